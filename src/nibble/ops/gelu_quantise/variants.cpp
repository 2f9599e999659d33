#include "nibble/base/cost.h"
#include "nibble/ops/gelu_quantise/kernels.h"

namespace nibble::gelu_quantise {
namespace {

double elements(const Args& a) { return double(a.rows) * a.cols; }

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm80", .needs = Isa::sm80, .cost = at_rate<elements, 1'000'000>, .run = sm80},
#endif
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<elements, 1'500>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<elements, 700>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<elements, 20>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gelu_quantise
