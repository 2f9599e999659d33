#include "nibble/base/cost.h"
#include "nibble/ops/gemv_nvfp4_fp16/kernels.h"

namespace nibble::gemv_nvfp4_fp16 {
namespace {

#if NIBBLE_CUDA
std::string_view shifted_only(const Args& a) {
  return a.order == CodeOrder::shifted ? "" : "the codes are not laid out for shifts";
}
std::string_view neighbours_only(const Args& a) {
  return a.order == CodeOrder::neighbours ? "" : "the codes are laid out for shifts";
}
#endif

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm100a",
     .needs = Isa::sm100a,
     .takes = neighbours_only,
     .cost = streamed<Op, 100>,
     .run = sm100a},
    {.name = "sm120f",
     .needs = Isa::sm120f,
     .takes = neighbours_only,
     .cost = streamed<Op, 100>,
     .run = sm120f},
    {.name = "sm90a",
     .needs = Isa::sm90a,
     .takes = shifted_only,
     .cost = streamed<Op, 110>,
     .run = sm90a},
    {.name = "sm89",
     .needs = Isa::sm89,
     .takes = shifted_only,
     .cost = streamed<Op, 120>,
     .run = sm89},
    {.name = "sm80",
     .needs = Isa::sm80,
     .takes = shifted_only,
     .cost = streamed<Op, 130>,
     .run = sm80},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = computed<Op, 200>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemv_nvfp4_fp16
