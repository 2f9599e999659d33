#include "nibble/base/cost.h"
#include "nibble/ops/cross_entropy/kernels.h"

namespace nibble::cross_entropy {
namespace {

// Vectors of 16 logits, in thousands.
double vectors(const Args& a) { return double(a.rows) * ((a.symbols + 15) / 16 + 2); }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<vectors, 125>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<vectors, 83>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<vectors, 1>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::cross_entropy
