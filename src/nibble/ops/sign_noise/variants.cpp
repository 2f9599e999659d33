#include "nibble/ops/sign_noise/kernels.h"

namespace nibble::sign_noise {
namespace {

double products(const Args& a) { return double(a.rows) * a.n * a.k * 1e-3; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni",
     .needs = Isa::avx512 | Isa::vnni,
     .cost = [](const Args& a, const Machine&) { return products(a) / 200; },
     .run = avx512_vnni},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return products(a) / 60; },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return products(a) / 4; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::sign_noise
