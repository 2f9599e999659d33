#include "nibble/base/cost.h"
#include "nibble/ops/credit_outer/kernels.h"

namespace nibble::credit_outer {
namespace {

double sixteens(const Args& a) { return double(a.tokens) * a.n * a.k / 16; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = at_rate<sixteens, 8'000>,
     .run = avx512_vnni},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<sixteens, 4'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<sixteens, 1'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::credit_outer
