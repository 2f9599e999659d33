#include "nibble/ops/cross_entropy/kernels.h"

namespace nibble::cross_entropy {
namespace {

// Vectors of 16 logits, in thousands.
double vectors(const Args& a) { return double(a.rows) * ((a.symbols + 15) / 16 + 2) * 1e-3; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512",
     .needs = Isa::avx512,
     .cost = [](const Args& a, const Machine&) { return vectors(a) * 8; },
     .run = avx512},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return vectors(a) * 12; },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return vectors(a) * 1200; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::cross_entropy
