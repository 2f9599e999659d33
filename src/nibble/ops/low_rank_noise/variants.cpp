#include "nibble/base/cost.h"
#include "nibble/ops/low_rank_noise/kernels.h"

namespace nibble::low_rank_noise {
namespace {

double work(const Args& a) { return double(a.rows) * a.n * a.parts; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<work, 8'000>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<work, 4'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<work, 1'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::low_rank_noise
