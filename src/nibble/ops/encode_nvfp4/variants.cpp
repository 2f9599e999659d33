#include "nibble/ops/encode_nvfp4/kernels.h"

namespace nibble::encode_nvfp4 {
namespace {

double work(const Args& a) { return double(a.rows) * double(a.cols) * 1e-3; }  // thousands: values

std::string_view one_scale(const Args& a) {
  if (a.stochastic.on) return "stochastic rounding is portable";
  return a.recipe.four_over_six || a.recipe.mode == Nvfp4::ggml
             ? "recipes that search among scales or elements are portable"
             : "";
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512",
     .needs = Isa::avx512,
     .takes = one_scale,
     .cost = [](const Args& a, const Machine&) { return work(a) * 0.3; },
     .run = avx512},
    {.name = "avx2",
     .needs = Isa::avx2,
     .takes = one_scale,
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

}  // namespace nibble::encode_nvfp4
