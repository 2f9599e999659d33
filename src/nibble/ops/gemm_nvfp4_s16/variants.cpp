#include "nibble/base/cost.h"
#include "nibble/ops/gemm_nvfp4_s16/kernels.h"

namespace nibble::gemm_nvfp4_s16 {
namespace {

double bytes(const Args& a) { return double(kPanels.bytes(a.n, a.k)); }
double products(const Args& a) { return double(a.m) * double(kPanels.panels(a.n)) * 16 * a.k; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = at_rates<bytes, 15, products, 100>,
     .run = avx512_vnni},
    {.name = "avx_vnni",
     .needs = Isa::avx_vnni,
     .cost = at_rates<bytes, 15, products, 50>,
     .run = avx_vnni},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rates<bytes, 15, products, 25>, .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = at_rates<bytes, 15, products, 1>,
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_nvfp4_s16
