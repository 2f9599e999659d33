#include "nibble/ops/efla/kernels.h"

namespace nibble::efla {
namespace {

// Thousands of multiply-adds.
double work(const Args& a) { return double(Op::work(a).ops) * 0.5e-3; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512",
     .needs = Isa::avx512,
     .cost = [](const Args& a, const Machine&) { return work(a) / 30; },
     .run = avx512},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return work(a) / 20; },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return work(a) / 0.3; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::efla
