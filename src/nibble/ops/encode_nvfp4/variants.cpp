#include "nibble/base/cost.h"
#include "nibble/ops/encode_nvfp4/kernels.h"

namespace nibble::encode_nvfp4 {
namespace {

double values(const Args& a) { return double(a.rows) * double(a.cols); }

std::string_view to_nearest(const Args& a) {
  return a.stochastic.on ? "stochastic rounding is portable" : "";
}

constexpr Variant<Args> kTable[] = {
#if NIBBLE_CUDA
    {.name = "sm100a", .needs = Isa::sm100a, .cost = streamed<Op, 100>, .run = sm100a},
    {.name = "sm120f", .needs = Isa::sm120f, .cost = streamed<Op, 100>, .run = sm120f},
    {.name = "sm80", .needs = Isa::sm80, .cost = streamed<Op, 130>, .run = sm80},
#endif
#if defined(__x86_64__)
    {.name = "avx512",
     .needs = Isa::avx512,
     .takes = to_nearest,
     .cost = at_rate<values, 3'333>,
     .run = avx512},
    {.name = "avx2",
     .needs = Isa::avx2,
     .takes = to_nearest,
     .cost = at_rate<values, 1'667>,
     .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<values, 100>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::encode_nvfp4
