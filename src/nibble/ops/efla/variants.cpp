#include "nibble/ops/efla/kernels.h"

namespace nibble::efla {
namespace {

// Multiply-adds over thousands a microsecond, as measured on Zen 4 (NOTES.md).
double time(const Args& a, double chunked, double rows16, double rows) {
  const double rate = a.form == Form::chunked            ? chunked
                      : a.key_dim == 16 && !a.fp16_state ? rows16
                                                         : rows;
  return double(Op::work(a).ops) * 0.5e-3 / rate;
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512",
     .needs = Isa::avx512,
     .cost = [](const Args& a, const Machine&) { return time(a, 20, 37, 42); },
     .run = avx512},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return time(a, 19, 33, 43); },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return time(a, 0.24, 0.24, 0.24); },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::efla
