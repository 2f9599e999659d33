#include "nibble/ops/gemm_fp8_e4m3/kernels.h"

namespace nibble::gemm_fp8_e4m3 {
namespace {

// Microseconds: the weights from memory, or the products.
double cost(const Args& a, double mb_per_us, double mega_products_per_us) {
  const double products = double(a.m) * a.n * a.k * 1e-6;
  return std::max(double(kLayout.bytes(a.n, a.k)) * 1e-6 / mb_per_us,
                  products / mega_products_per_us);
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    // vdpbf16ps is twice as fast as FP32 FMA, and half as fast on Sapphire Rapids.
    {.name = "avx512_bf16",
     .needs = Isa::avx512 | Isa::vnni | Isa::bf16,
     .cost =
         [](const Args& a, const Machine& m) {
           return cost(a, 0.04, m.uarch == MicroArch::sapphire_rapids ? 0.035 : 0.21);
         },
     .run = avx512_bf16},
    {.name = "avx512_vbmi",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = [](const Args& a, const Machine&) { return cost(a, 0.039, 0.11); },
     .run = avx512_vbmi},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return cost(a, 0.02, 0.04); },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return cost(a, 0.001, 0.001); },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_fp8_e4m3
