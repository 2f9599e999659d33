#include "nibble/base/cost.h"
#include "nibble/ops/logit_credit/kernels.h"

namespace nibble::logit_credit {
namespace {

double signs(const Args& a) { return double(a.rows) * a.n * a.lanes; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<signs, 8'000>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<signs, 4'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<signs, 1'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::logit_credit
