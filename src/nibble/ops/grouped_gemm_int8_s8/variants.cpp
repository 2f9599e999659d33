#include "nibble/base/cost.h"
#include "nibble/ops/grouped_gemm_int8_s8/kernels.h"

namespace nibble::grouped_gemm_int8_s8 {
namespace {

double products(const Args& a) { return double(a.m) * a.n * a.k; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = at_rate<products, 450'000>,
     .run = avx512_vnni},
    {.name = "avx_vnni",
     .needs = Isa::avx_vnni,
     .cost = at_rate<products, 220'000>,
     .run = avx_vnni},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<products, 100'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<products, 1'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::grouped_gemm_int8_s8
