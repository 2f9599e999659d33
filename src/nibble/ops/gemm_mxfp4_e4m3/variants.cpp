#include <algorithm>

#include "nibble/ops/gemm_mxfp4_e4m3/kernels.h"

namespace nibble::gemm_mxfp4_e4m3 {
namespace {

// Microseconds of one thread: weights from memory at 15 GB/s, or so many products a nanosecond.
double cost(const Args& a, double products) {
  const double all = double(a.m) * double(kPanels.panels(a.n)) * 16 * a.k;
  return std::max(double(kPanels.bytes(a.n, a.k)) / 15e3, all / products * 1e-3);
}
// vdpbf16ps is twice an fma on some cores and half of one on others.
bool slow_dot_products(const Machine& m) { return m.uarch == MicroArch::sapphire_rapids; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_bf16",
     .needs = Isa::avx512 | Isa::vnni | Isa::bf16,
     .cost = [](const Args& a,
                const Machine& m) { return cost(a, slow_dot_products(m) ? 30 : 100); },
     .run = avx512_bf16},
    {.name = "avx512_fma",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = [](const Args& a, const Machine&) { return cost(a, 50); },
     .run = avx512_fma},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return cost(a, 20); },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return cost(a, 1); },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_mxfp4_e4m3
