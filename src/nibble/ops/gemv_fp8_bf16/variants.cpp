#include "nibble/ops/gemv_fp8_bf16/kernels.h"

namespace nibble::gemv_fp8_bf16 {
namespace {

#if NIBBLE_CUDA
// Microseconds to read what it reads at 3 TB/s, of a device that nobody has timed yet; between CUDA
// variants only the order counts: what was compiled for the device.
double stream_cost(const Args& a, double factor) {
  return double(Op::work(a).bytes) / 3e6 * factor;
}
#endif

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

}  // namespace nibble::gemv_fp8_bf16
