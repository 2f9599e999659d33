#include "nibble/ops/decode_nvfp4/kernels.h"

namespace nibble::decode_nvfp4 {
namespace {

double work(const Args& a) { return double(a.rows) * double(a.cols) * 1e-3; }  // thousands: values

constexpr Variant<Args> kTable[] = {
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return work(a) * 10; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::decode_nvfp4
