#include "nibble/base/cost.h"
#include "nibble/ops/gemm_mxfp4_e4m3/kernels.h"

namespace nibble::gemm_mxfp4_e4m3 {
namespace {

double bytes(const Args& a) { return double(kPanels.bytes(a.n, a.k)); }
double products(const Args& a) { return double(a.m) * double(kPanels.panels(a.n)) * 16 * a.k; }
// vdpbf16ps is twice an fma on some cores and half of one on others.
double dot_products(const Args& a, const Machine& m) {
  return m.uarch == MicroArch::sapphire_rapids ? at_rates<bytes, 15, products, 30>(a, m)
                                               : at_rates<bytes, 15, products, 100>(a, m);
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_bf16",
     .needs = Isa::avx512 | Isa::vnni | Isa::bf16,
     .cost = dot_products,
     .run = avx512_bf16},
    {.name = "avx512_fma",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = at_rates<bytes, 15, products, 50>,
     .run = avx512_fma},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rates<bytes, 15, products, 20>, .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = at_rates<bytes, 15, products, 1>,
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_mxfp4_e4m3
