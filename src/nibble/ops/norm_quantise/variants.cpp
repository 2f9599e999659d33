#include "nibble/ops/norm_quantise/kernels.h"

namespace nibble::norm_quantise {
namespace {

double work(const Args& a) { return double(a.rows) * double(a.cols) * 1e-3; }  // thousands: values

// Microseconds at 3 TB/s, of a device that nobody has timed yet; between CUDA variants only the
// order counts.
[[maybe_unused]] double streamed(const Args& a) { return double(Op::work(a).bytes) / 3e6; }

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm100a",
     .needs = Isa::sm100a,
     .cost = [](const Args& a, const Machine&) { return streamed(a) * 1; },
     .run = sm100a},
    {.name = "sm120f",
     .needs = Isa::sm120f,
     .cost = [](const Args& a, const Machine&) { return streamed(a) * 1; },
     .run = sm120f},
    {.name = "sm89",
     .needs = Isa::sm89,
     .cost = [](const Args& a, const Machine&) { return streamed(a) * 1.1; },
     .run = sm89},
    {.name = "sm80",
     .needs = Isa::sm80,
     .cost = [](const Args& a, const Machine&) { return streamed(a) * 1.3; },
     .run = sm80},
#endif
#if defined(__x86_64__)
    {.name = "avx512",
     .needs = Isa::avx512,
     .cost = [](const Args& a, const Machine&) { return work(a) * 0.3; },
     .run = avx512},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return work(a) * 0.6; },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return work(a) * 10; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::norm_quantise
