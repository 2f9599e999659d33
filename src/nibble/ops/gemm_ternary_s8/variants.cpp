#include "nibble/ops/gemm_ternary_s8/kernels.h"

namespace nibble::gemm_ternary_s8 {
namespace {

// Microseconds: the weights from memory, or the products.
double cost(const Args& a, double mb_per_us, double mega_products_per_us) {
  const double products = double(a.m) * a.n * a.k * 1e-6;
  return std::max(double(kLayout.bytes(a.n, a.k)) * 1e-6 / mb_per_us,
                  products / mega_products_per_us);
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = [](const Args& a, const Machine&) { return cost(a, 0.04, 0.45); },
     .run = avx512_vnni},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return cost(a, 0.03, 0.1); },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return cost(a, 0.001, 0.001); },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_ternary_s8
