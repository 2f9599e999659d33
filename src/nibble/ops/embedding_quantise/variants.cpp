#include "nibble/ops/embedding_quantise/kernels.h"

namespace nibble::embedding_quantise {
namespace {

double work(const Args& a) { return double(a.rows) * double(a.cols) * 1e-3; }  // thousands: values

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512",
     .needs = Isa::avx512,
     .cost = [](const Args& a, const Machine&) { return work(a) * 0.3; },
     .run = avx512},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return work(a) * 0.6; },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return work(a) * 10; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::embedding_quantise
