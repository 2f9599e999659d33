#include "nibble/base/cost.h"
#include "nibble/ops/gemm_s8/kernels.h"

namespace nibble::gemm_s8 {
namespace {

double products(const Args& a) { return double(a.m) * double(padded_n(a.n)) * a.k; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = at_rate<products, 240'000>,
     .run = avx512_vnni},
    {.name = "avx_vnni",
     .needs = Isa::avx_vnni,
     .cost = at_rate<products, 120'000>,
     .run = avx_vnni},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<products, 60'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<products, 2'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_s8
