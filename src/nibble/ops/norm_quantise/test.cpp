#include <cmath>
#include <cstring>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/cpu/detect.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/norm_quantise/norm_quantise.h"

using namespace nibble;
using namespace nibble::norm_quantise;

namespace {

// Every variant that this machine has, whether proven or not; checks run after each.
template <class Fn>
bool after_each_variant(const Args& a, Fn ok) {
  const Machine machine = cpu::this_machine();
  if (!Op::check(a).ok()) return false;
  for (const auto& v : Op::variants()) {
    if (!machine.has(v.needs)) continue;
    v.run(a, {});
    if (!ok()) return false;
  }
  return true;
}

// Against the formula in double, which the reference does not follow: it has the order of sums.
// int16 codes are half a step from y at most, and y some roundings from the exact one.
bool near_the_formula(Norm norm) {
  constexpr int rows = 3, cols = 992;
  std::vector<float> x(rows * cols), delta(rows * cols), sum(rows * cols), gamma(cols), scale(rows);
  std::vector<int16_t> codes(rows * cols);
  Random rng(3);
  for (auto* v : {&x, &delta, &gamma}) fill_f32(v->data(), int64_t(v->size()), rng, -3, 3);
  Args a{.rows = rows, .cols = cols, .norm = norm, .eps = 0.5f, .with_delta = true};
  a.x = x.data(), a.delta = delta.data(), a.sum = sum.data(), a.gamma = gamma.data();
  a.to = {.format = encode_rows::Format::s16, .codes = reinterpret_cast<uint8_t*>(codes.data())};
  a.to.scales = scale.data();
  return after_each_variant(a, [&] {
    for (int r = 0; r < rows; ++r) {
      double squares = 0, magnitudes = 0;
      std::vector<double> s(cols);
      for (int c = 0; c < cols; ++c) {
        s[c] = double(x[r * cols + c]) + delta[r * cols + c];
        squares += s[c] * s[c], magnitudes += std::abs(s[c]);
      }
      const double factor =
          norm == Norm::rms ? 1 / std::sqrt(squares / cols + 0.5) : cols / magnitudes;
      for (int c = 0; c < cols; ++c) {
        const double want = s[c] * factor * gamma[c], got = double(codes[r * cols + c]) * scale[r];
        if (!(std::abs(got - want) <= 0.5001 * scale[r] + 1e-5 * std::abs(want))) return false;
      }
    }
    return true;
  });
}

// `sum` may be x: the same bytes as with a sum of its own.
bool works_in_place() {
  constexpr int cols = 64;
  std::vector<bf16> x(cols), delta(cols), gamma(cols), sum(cols);
  Random rng(4);
  for (int c = 0; c < cols; ++c) {
    x[c] = to_bf16(rng.uniform(-1, 1)), delta[c] = to_bf16(rng.uniform(-1, 1));
    gamma[c] = to_bf16(rng.uniform(0, 2));
  }
  uint8_t codes[2][cols / 2], blocks[2][cols / 16];
  float scale = 0;
  Args apart{.rows = 1, .cols = cols, .with_delta = true};
  apart.x = x.data(), apart.delta = delta.data(), apart.gamma = gamma.data();
  apart.sum = sum.data();
  apart.to = {.codes = codes[0], .block_scales = blocks[0], .scales = &scale};
  return after_each_variant(apart, [&] {
    std::vector<bf16> both = x;
    Args in_place = apart;
    in_place.x = both.data(), in_place.sum = both.data();
    in_place.to.codes = codes[1], in_place.to.block_scales = blocks[1];
    Op::reference(in_place);
    if (std::memcmp(both.data(), sum.data(), sizeof(bf16) * cols) != 0) return false;
    both = x;
    return after_each_variant(in_place, [&] {
      const bool same = std::memcmp(both.data(), sum.data(), sizeof(bf16) * cols) == 0 &&
                        std::memcmp(codes[0], codes[1], sizeof codes[0]) == 0 &&
                        std::memcmp(blocks[0], blocks[1], sizeof blocks[0]) == 0;
      both = x;
      return same;
    });
  });
}

}  // namespace

int main() {
  Args no_sum{.rows = 1, .cols = 32, .with_delta = true};
  const bool refused = !Op::check({}).ok() && !Op::check(no_sum).ok();
  return harness::verify_main("norm_quantise", refused && near_the_formula(Norm::rms) &&
                                                   near_the_formula(Norm::absmean) &&
                                                   works_in_place());
}
