#include "nibble/base/cost.h"
#include "nibble/ops/gemm_int8_s8/kernels.h"

namespace nibble::gemm_int8_s8 {
namespace {

// Microseconds: the weights from memory, or the products.
double cost(const Args& a, double mb_per_us, double mega_products_per_us) {
  const double products = double(a.m) * a.n * a.k * 1e-6;
  return std::max(double(kLayout.bytes(a.n, a.k)) * 1e-6 / mb_per_us,
                  products / mega_products_per_us);
}

#if NIBBLE_CUDA
std::string_view few_tokens(const Args& a) {
  return a.m <= cuda::tile::kPanelTokens ? "" : "more than 8 tokens";
}
#endif

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm100a",
     .needs = Isa::sm100a,
     .takes = few_tokens,
     .cost = streamed<Op, 100>,
     .run = sm100a},
    {.name = "sm120f",
     .needs = Isa::sm120f,
     .takes = few_tokens,
     .cost = streamed<Op, 100>,
     .run = sm120f},
    {.name = "sm90a",
     .needs = Isa::sm90a,
     .takes = few_tokens,
     .cost = streamed<Op, 110>,
     .run = sm90a},
    {.name = "sm80",
     .needs = Isa::sm80,
     .takes = few_tokens,
     .cost = streamed<Op, 130>,
     .run = sm80},
#endif
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

}  // namespace nibble::gemm_int8_s8
