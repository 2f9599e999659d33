// All floats in the ranges where the functions are not constant or the identity: the errors that
// numerics/elementary.h states, and bit equality of one float and the widest vectors here.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/elementary_test.h"
#include "nibble/cpu/pool.h"

namespace nibble::cpu {
namespace {

constexpr int64_t kPiece = 1 << 14;

double exact(Fn fn, double x) {
  switch (fn) {
    case Fn::exp:
      return std::exp(x);
    case Fn::expm1:
      return std::expm1(x);
    case Fn::log:
      return std::log(x);
    case Fn::sigmoid:
      return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
    default:
      return std::tanh(x);
  }
}

void apply_widest(Fn fn, const float* x, float* y, int64_t n) {
#if defined(__x86_64__)
  if (this_machine().has(Isa::avx512)) return apply_avx512(fn, x, y, n);
  if (this_machine().has(Isa::avx2)) return apply_avx2(fn, x, y, n);
#endif
  apply_portable(fn, x, y, n);
}

struct Worst {
  double ulp = 0;
  float at = 0;
  int64_t other_bits = 0;
};

// Patterns first, first + step, ... up to last, on one thread.
Worst measure(Fn fn, uint32_t first, uint32_t last, uint32_t step) {
  Worst worst;
  std::array<float, 1024> x, y, z;
  for (uint64_t b = first; b <= last;) {
    int n = 0;
    for (; n < int(x.size()) && b <= last; b += step) x[n++] = std::bit_cast<float>(uint32_t(b));
    apply_widest(fn, x.data(), y.data(), n);
    apply_scalar(fn, x.data(), z.data(), n);
    for (int i = 0; i < n; ++i) {
      worst.other_bits += std::bit_cast<uint32_t>(y[i]) != std::bit_cast<uint32_t>(z[i]);
      const double want = exact(fn, x[i]);
      const int e = std::max(want == 0 ? -126 : std::ilogb(want), -126);
      const double ulp = std::abs(y[i] - want) * std::ldexp(1.0, 23 - e);
      if (!(ulp <= worst.ulp)) worst.ulp = ulp, worst.at = x[i];
    }
  }
  return worst;
}

struct Range {
  const char* name;
  Fn fn;
  float low, high;  // both positive; `negative` mirrors them
  bool negative;
  uint32_t step;  // 1: every float
  double bound;
};
class Exhaustive : public testing::TestWithParam<Range> {};

TEST_P(Exhaustive, ErrorIsAsStated) {
  const Range& r = GetParam();
  const uint32_t sign = r.negative ? 0x80000000u : 0;
  const uint32_t first = std::bit_cast<uint32_t>(r.low), last = std::bit_cast<uint32_t>(r.high);
  const int64_t span = kPiece * int64_t(r.step), pieces = (int64_t(last) - first) / span + 1;
  std::vector<Worst> all(pieces);
  const auto pool = make_pool(2);
  parallel_tasks(pool.get(), pieces, [&](int64_t i, int) {
    const uint32_t from = uint32_t(first + i * span);
    const uint32_t to = uint32_t(std::min<int64_t>(last, from + span - 1));
    all[i] = measure(r.fn, from | sign, to | sign, r.step);
  });
  Worst worst;
  for (const Worst& w : all) {
    worst.other_bits += w.other_bits;
    if (!(w.ulp <= worst.ulp)) worst.ulp = w.ulp, worst.at = w.at;
  }
  EXPECT_EQ(worst.other_bits, 0);
  EXPECT_LE(worst.ulp, r.bound) << "at " << worst.at;
  RecordProperty("worst_ulp", std::to_string(worst.ulp));
  printf("%s: worst %.4f ulp at %.9g\n", r.name, worst.ulp, worst.at);
}

INSTANTIATE_TEST_SUITE_P(
    Elementary, Exhaustive,
    testing::Values(Range{"exp", Fn::exp, 0x1p-26f, 88.72283f, false, 1, 1.09},
                    Range{"exp_negative", Fn::exp, 0x1p-26f, 87.33654f, true, 1, 1.09},
                    Range{"exp_subnormal", Fn::exp, 87.33655f, 104.0f, true, 1, 0.75},
                    Range{"expm1", Fn::expm1, 0x1p-26f, 88.72283f, false, 1, 1.66},
                    Range{"expm1_negative", Fn::expm1, 0x1p-26f, 32.0f, true, 1, 1.66},
                    Range{"log_near_1", Fn::log, 0.125f, 8.0f, false, 1, 0.83},
                    Range{"log", Fn::log, 0x1p-149f, 3.4028235e38f, false, 61, 0.83},
                    Range{"sigmoid", Fn::sigmoid, 0x1p-26f, 32.0f, false, 1, 2.41},
                    Range{"sigmoid_negative", Fn::sigmoid, 0x1p-26f, 87.0f, true, 1, 2.41},
                    Range{"tanh", Fn::tanh, 0x1p-26f, 16.0f, false, 1, 2.5},
                    Range{"tanh_negative", Fn::tanh, 0x1p-26f, 16.0f, true, 1, 2.5}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace nibble::cpu
