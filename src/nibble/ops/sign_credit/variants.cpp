#include "nibble/base/cost.h"
#include "nibble/ops/sign_credit/kernels.h"

namespace nibble::sign_credit {
namespace {

double signs(const Args& a) { return double(a.perturbations) * a.n * a.k; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<signs, 60'000>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<signs, 15'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<signs, 2'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::sign_credit
