#include "nibble/base/cost.h"
#include "nibble/ops/embedding_s8/kernels.h"

namespace nibble::embedding_s8 {
namespace {

double elements(const Args& a) { return double(a.tokens) * a.dim; }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<elements, 16'000>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<elements, 4'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<elements, 1'000>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::embedding_s8
