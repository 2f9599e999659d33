#include "nibble/ops/gemv_nvfp4/kernels.h"

namespace nibble::gemv_nvfp4 {
namespace {

// Microseconds to read what it reads at 3 TB/s, of a device that nobody has timed yet; between CUDA
// variants only the order counts: the later architecture's, which does less for each element.
[[maybe_unused]] double stream_cost(const Args& a, double factor) {
  return double(Op::work(a).bytes) / 3e6 * factor;
}

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm100a",
     .needs = Isa::sm100a,
     .cost = [](const Args& a, const Machine&) { return stream_cost(a, 1); },
     .run = sm100a},
    {.name = "sm120f",
     .needs = Isa::sm120f,
     .cost = [](const Args& a, const Machine&) { return stream_cost(a, 1); },
     .run = sm120f},
    {.name = "sm90a",
     .needs = Isa::sm90a,
     .cost = [](const Args& a, const Machine&) { return stream_cost(a, 1.1); },
     .run = sm90a},
    {.name = "sm89",
     .needs = Isa::sm89,
     .cost = [](const Args& a, const Machine&) { return stream_cost(a, 1.2); },
     .run = sm89},
    {.name = "sm80",
     .needs = Isa::sm80,
     .cost = [](const Args& a, const Machine&) { return stream_cost(a, 1.3); },
     .run = sm80},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return double(Op::work(a).ops) * 1e-3; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gemv_nvfp4
