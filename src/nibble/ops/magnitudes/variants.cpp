#include "nibble/ops/magnitudes/kernels.h"

namespace nibble::magnitudes {
namespace {

double work(const Args& a) { return double(a.rows) * double(a.cols) * 1e-3; }  // thousands: values

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm80",
     .needs = Isa::sm80,
     .cost = [](const Args& a, const Machine&) { return work(a) / 1000; },
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
     .cost = [](const Args& a, const Machine&) { return work(a) * 5; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::magnitudes
