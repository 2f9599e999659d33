#include "nibble/base/cost.h"
#include "nibble/ops/gemm_bf16_s8/kernels.h"

namespace nibble::gemm_bf16_s8 {
namespace {

double products(const Args& a) { return double(a.m) * a.n * a.k; }

// vdpbf16ps against two FMAs of the same width: on AMD it does their work in half of their time, on
// Intel's server cores in twice of it. Elsewhere it is taken to gain nothing.
double dot_rate(const Machine& m) {
  if (m.uarch == MicroArch::zen4 || m.uarch == MicroArch::zen5) return 2;
  return m.uarch == MicroArch::sapphire_rapids ? 0.5 : 1;
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_bf16",
     .needs = Isa::avx512 | Isa::vnni | Isa::bf16,
     .cost = [](const Args& a,
                const Machine& m) { return at_rate<products, 60'000>(a, m) / dot_rate(m); },
     .run = avx512_bf16},
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<products, 60'000>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<products, 30'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<products, 2'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_bf16_s8
