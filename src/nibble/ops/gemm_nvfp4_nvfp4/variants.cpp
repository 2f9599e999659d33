#include <algorithm>

#include "nibble/ops/gemm_nvfp4_nvfp4/kernels.h"

namespace nibble::gemm_nvfp4_nvfp4 {
namespace {

// Microseconds of one thread: weights from memory at 15 GB/s, or so many products a nanosecond.
double cost(const Args& a, double products) {
  const double all = double(a.m) * double(kPanels.panels(a.n)) * 16 * a.k;
  return std::max(double(kPanels.bytes(a.n, a.k)) / 15e3, all / products * 1e-3);
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = [](const Args& a, const Machine&) { return cost(a, 170); },
     .run = avx512_vnni},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return cost(a, 40); },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return cost(a, 1); },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_nvfp4_nvfp4
