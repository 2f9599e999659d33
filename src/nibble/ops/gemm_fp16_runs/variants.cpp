#include "nibble/ops/gemm_fp16_runs/kernels.h"

namespace nibble::gemm_fp16_runs {
namespace {

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_fp16",
     .needs = Isa::avx512 | Isa::vnni | Isa::fp16,
     .cost = [](const Args& a, const Machine&) { return dense_cost(a, 54); },
     .run = avx512_fp16},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return dense_cost(a, 0.02); },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_fp16_runs
