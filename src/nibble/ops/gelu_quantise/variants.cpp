#include "nibble/ops/gelu_quantise/kernels.h"

namespace nibble::gelu_quantise {
namespace {

double elements(const Args& a) { return double(a.rows) * a.cols * 1e-3; }

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm80",
     .needs = Isa::sm80,
     .cost = [](const Args& a, const Machine&) { return elements(a) / 1000; },
     .run = sm80},
#endif
#if defined(__x86_64__)
    {.name = "avx512",
     .needs = Isa::avx512,
     .cost = [](const Args& a, const Machine&) { return elements(a) / 1.5; },
     .run = avx512},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return elements(a) / 0.7; },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return elements(a) / 0.02; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::gelu_quantise
