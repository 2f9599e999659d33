#include "nibble/base/cost.h"
#include "nibble/ops/gemm_int8_s8/kernels.h"

namespace nibble::gemm_int8_s8 {
namespace {

double bytes(const Args& a) { return double(kLayout.bytes(a.n, a.k)); }
double products(const Args& a) { return double(a.m) * a.n * a.k; }

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
     .cost = at_rates<bytes, 40, products, 450>,
     .run = avx512_vnni},
    {.name = "avx_vnni",
     .needs = Isa::avx_vnni,
     .cost = at_rates<bytes, 35, products, 220>,
     .run = avx_vnni},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rates<bytes, 30, products, 100>, .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = at_rates<bytes, 1, products, 1>,
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemm_int8_s8
