#include "nibble/ops/toy_op/kernels.h"

namespace nibble::toy_op {
namespace {

constexpr Variant<Args> kTable[] = {
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return double(a.n) * 1e-3; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::toy_op
