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
// Microseconds to read what it reads at 3 TB/s, of a device that nobody has timed yet; between CUDA
// variants only the order counts: the later architecture's, which does less for each element.
[[maybe_unused]] double stream_cost(const Args& a, double factor) {
  return double(Op::work(a).bytes) / 3e6 * factor;
}
#endif

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm100a",
     .needs = Isa::sm100a,
     .takes = neighbours_only,
     .cost = [](const Args& a, const Machine&) { return stream_cost(a, 1); },
     .run = sm100a},
    {.name = "sm120f",
     .needs = Isa::sm120f,
     .takes = neighbours_only,
     .cost = [](const Args& a, const Machine&) { return stream_cost(a, 1); },
     .run = sm120f},
    {.name = "sm90a",
     .needs = Isa::sm90a,
     .takes = shifted_only,
     .cost = [](const Args& a, const Machine&) { return stream_cost(a, 1.1); },
     .run = sm90a},
    {.name = "sm89",
     .needs = Isa::sm89,
     .takes = shifted_only,
     .cost = [](const Args& a, const Machine&) { return stream_cost(a, 1.2); },
     .run = sm89},
    {.name = "sm80",
     .needs = Isa::sm80,
     .takes = shifted_only,
     .cost = [](const Args& a, const Machine&) { return stream_cost(a, 1.3); },
     .run = sm80},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return double(Op::work(a).ops) * 5e-3; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemv_nvfp4_fp16
