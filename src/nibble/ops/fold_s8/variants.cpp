#include "nibble/base/cost.h"
#include "nibble/ops/fold_s8/kernels.h"

namespace nibble::fold_s8 {
namespace {

double elements(const Args& a) { return double(a.n) * a.k; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<elements, 8'000>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<elements, 4'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<elements, 300>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::fold_s8
