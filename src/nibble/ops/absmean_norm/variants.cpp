#include "nibble/base/cost.h"
#include "nibble/ops/absmean_norm/kernels.h"

namespace nibble::absmean_norm {
namespace {

double elements(const Args& a) { return double(a.rows) * a.cols; }

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm80", .needs = Isa::sm80, .cost = at_rate<elements, 1'000'000>, .run = sm80},
#endif
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<elements, 6'000>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<elements, 2'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<elements, 400>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::absmean_norm
