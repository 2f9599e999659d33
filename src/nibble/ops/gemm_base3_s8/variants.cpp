#include "nibble/base/cost.h"
#include "nibble/ops/gemm_base3_s8/kernels.h"

namespace nibble::gemm_base3_s8 {
namespace {

double bytes(const Args& a) { return double(kLayout.bytes(a.n, a.k)); }
double products(const Args& a) { return double(a.m) * a.n * a.k; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = at_rates<bytes, 40, products, 450>,
     .run = avx512_vnni},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rates<bytes, 9, products, 100>, .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = at_rates<bytes, 1, products, 1>,
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_base3_s8
