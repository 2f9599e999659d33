#include "nibble/base/cost.h"
#include "nibble/ops/gemm_s8_cross_entropy/kernels.h"

namespace nibble::gemm_s8_cross_entropy {
namespace {

// Products of 16 columns with a word of k; a vector of logits costs as much as eight of them.
double steps(const Args& a) {
  return double(a.rows) * ((a.symbols + 15) / 16) * (double(a.k) / 4 + 8);
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = at_rate<steps, 5'700>,
     .run = avx512_vnni},
    {.name = "avx_vnni", .needs = Isa::avx_vnni, .cost = at_rate<steps, 1'800>, .run = avx_vnni},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<steps, 1'200>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<steps, 20>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_s8_cross_entropy
