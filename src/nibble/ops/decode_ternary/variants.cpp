#include "nibble/base/cost.h"
#include "nibble/ops/decode_ternary/kernels.h"

namespace nibble::decode_ternary {
namespace {

double values(const Args& a) { return double(a.rows) * double(a.cols); }

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<values, 3'333>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<values, 1'667>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<values, 200>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::decode_ternary
