#include "nibble/base/cost.h"
#include "nibble/ops/hash_noise/kernels.h"

namespace nibble::hash_noise {
namespace {

double hashes(const Args& a) { return double(a.n) * (1 + a.terms); }

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm80", .needs = Isa::sm80, .cost = at_rate<hashes, 3'000'000>, .run = sm80},
#endif
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<hashes, 3'000>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<hashes, 800>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<hashes, 400>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::hash_noise
