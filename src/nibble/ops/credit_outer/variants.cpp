#include "nibble/ops/credit_outer/kernels.h"

namespace nibble::credit_outer {
namespace {

double work(const Args& a) {
  return double(a.tokens) * a.n * a.k / 16 * 1e-3;
}  // thousands: products/16

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = [](const Args& a, const Machine&) { return work(a) / 8; },
     .run = avx512_vnni},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return work(a) / 4; },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return work(a); },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::credit_outer
