#include "nibble/ops/grouped_gemm_nvfp4_s8/kernels.h"

namespace nibble::grouped_gemm_nvfp4_s8 {
namespace {

double products(const Args& a) { return double(a.m) * a.n * a.k * 1e-3; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = [](const Args& a, const Machine&) { return products(a) / 300; },
     .run = avx512_vnni},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return products(a) / 80; },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return products(a) / 2; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::grouped_gemm_nvfp4_s8
