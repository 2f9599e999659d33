#include "nibble/base/cost.h"
#include "nibble/ops/gemv_nvfp4/kernels.h"

namespace nibble::gemv_nvfp4 {
namespace {

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm100a", .needs = Isa::sm100a, .cost = streamed<Op, 100>, .run = sm100a},
    {.name = "sm120f", .needs = Isa::sm120f, .cost = streamed<Op, 100>, .run = sm120f},
    {.name = "sm90a", .needs = Isa::sm90a, .cost = streamed<Op, 110>, .run = sm90a},
    {.name = "sm89", .needs = Isa::sm89, .cost = streamed<Op, 120>, .run = sm89},
    {.name = "sm80", .needs = Isa::sm80, .cost = streamed<Op, 130>, .run = sm80},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = computed<Op, 1'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemv_nvfp4
