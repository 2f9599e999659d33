#include "nibble/base/cost.h"
#include "nibble/ops/grouped_gemm_fp8_bf16/kernels.h"

namespace nibble::grouped_gemm_fp8_bf16 {
namespace {

double products(const Args& a) { return double(a.m) * a.n * a.k; }
// vdpbf16ps is twice as fast as FP32 FMA, and half as fast on Sapphire Rapids.
double dot_products(const Args& a, const Machine& m) {
  return m.uarch == MicroArch::sapphire_rapids ? at_rate<products, 35'000>(a, m)
                                               : at_rate<products, 210'000>(a, m);
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_bf16",
     .needs = Isa::avx512 | Isa::vnni | Isa::bf16,
     .cost = dot_products,
     .run = avx512_bf16},
    {.name = "avx512_vbmi",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = at_rate<products, 110'000>,
     .run = avx512_vbmi},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<products, 40'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<products, 1'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::grouped_gemm_fp8_bf16
