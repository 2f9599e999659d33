#include "nibble/base/cost.h"
#include "nibble/ops/silu_mul_quantise/kernels.h"

namespace nibble::silu_mul_quantise {
namespace {

double values(const Args& a) { return double(a.rows) * double(a.cols); }

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm100a", .needs = Isa::sm100a, .cost = streamed<Op, 100>, .run = sm100a},
    {.name = "sm120f", .needs = Isa::sm120f, .cost = streamed<Op, 100>, .run = sm120f},
    {.name = "sm89", .needs = Isa::sm89, .cost = streamed<Op, 110>, .run = sm89},
    {.name = "sm80", .needs = Isa::sm80, .cost = streamed<Op, 130>, .run = sm80},
#endif
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<values, 3'333>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<values, 1'667>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<values, 100>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::silu_mul_quantise
