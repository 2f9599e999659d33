#include "nibble/base/cost.h"
#include "nibble/ops/dual_gemm_fp8_bf16/kernels.h"

namespace nibble::dual_gemm_fp8_bf16 {
namespace {

double bytes(const Args& a) { return 2.0 * double(kLayout.bytes(a.n, a.k)); }
double products(const Args& a) { return 2.0 * double(a.m) * a.n * a.k; }
// vdpbf16ps is twice as fast as FP32 FMA, and half as fast on Sapphire Rapids.
double dot_products(const Args& a, const Machine& m) {
  return m.uarch == MicroArch::sapphire_rapids ? at_rates<bytes, 40, products, 35>(a, m)
                                               : at_rates<bytes, 40, products, 210>(a, m);
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_bf16",
     .needs = Isa::avx512 | Isa::vnni | Isa::bf16,
     .cost = dot_products,
     .run = avx512_bf16},
    {.name = "avx512_vbmi",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = at_rates<bytes, 39, products, 110>,
     .run = avx512_vbmi},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rates<bytes, 20, products, 40>, .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = at_rates<bytes, 1, products, 1>,
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::dual_gemm_fp8_bf16
