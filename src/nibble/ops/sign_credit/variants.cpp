#include "nibble/ops/sign_credit/kernels.h"

namespace nibble::sign_credit {
namespace {

double signs(const Args& a) { return double(a.perturbations) * a.n * a.k * 1e-3; }  // thousands

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512",
     .needs = Isa::avx512,
     .cost = [](const Args& a, const Machine&) { return signs(a) / 60; },
     .run = avx512},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return signs(a) / 15; },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return signs(a) / 2; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::sign_credit
