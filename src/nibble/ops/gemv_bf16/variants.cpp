#include "nibble/base/cost.h"
#include "nibble/ops/gemv_bf16/kernels.h"

namespace nibble::gemv_bf16 {
namespace {

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm80", .needs = Isa::sm80, .cost = streamed<Op, 100>, .run = sm80},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = computed<Op, 1'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemv_bf16
