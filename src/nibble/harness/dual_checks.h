// For the tests of dual ops, y = silu(g) * u: what check() says, that g and u are those of the
// products with one matrix, and what y errs by.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/base/op.h"
#include "nibble/cpu/detect.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/relative_error.h"
#include "nibble/numerics/absmax.h"
#include "nibble/numerics/dense_cases.h"
#include "nibble/numerics/elementary.h"
#include "nibble/numerics/fp4_token_cases.h"

namespace nibble::harness {

// Arguments that are right but for one thing each. `bad_k`: no number of columns of the op's.
template <class Op>
bool dual_refuses(typename Op::Args a, int bad_k) {
  using Args = typename Op::Args;
  CaseMemory memory;
  Op::buffers(a, memory);
  const auto says = [&](std::string_view what, auto spoil) {
    Args wrong = a;
    spoil(wrong);
    const std::string why = Op::check(wrong).why();
    const bool said = why.find(what) != std::string::npos && why.starts_with(Op::name);
    if (!said) fmt::print("expected \"{}\", got \"{}\"\n", what, why);
    return said;
  };
  const std::string_view null = "null", aligned = "must be aligned to 64 bytes";
  bool all = Op::check(a).ok();
  all &= says("must be positive, got ", [](Args& w) { w.m = 0; });
  all &= says("must be positive", [](Args& w) { w.n = 0; });
  all &= says("k must be", [&](Args& w) { w.k = bad_k, w.ldx = bad_k; });
  all &= says("k must be", [](Args& w) { w.k = 0; });
  all &= says("ldx must be at least", [](Args& w) { w.ldx = w.k - 1; });
  all &= says("and ldy at least", [](Args& w) { w.ldy = w.n - 1; });
  all &=
      says(null, [](Args& w) { w.gate = nullptr; }) && says(null, [](Args& w) { w.x = nullptr; });
  all &= says(null, [](Args& w) { w.up = nullptr; }) && says(null, [](Args& w) { w.y = nullptr; });
  all &= says(null, [](Args& w) { w.workspace = nullptr; });
  all &= says(aligned, [](Args& w) { w.gate += 1; }) && says(aligned, [](Args& w) { w.up += 1; });
  if constexpr (requires { a.gate_scale; }) {
    all &= says(null, [](Args& w) { w.gate_scale = nullptr; });
    all &= says(null, [](Args& w) { w.up_scale = nullptr; });
  }
  if constexpr (requires { a.x_scale; }) all &= says(null, [](Args& w) { w.x_scale = nullptr; });
  if constexpr (requires { a.x_blocks; }) {
    all &= says(null, [](Args& w) { w.x_blocks = nullptr; });
    all &= says(null, [](Args& w) { w.token_scale = nullptr; });
    all &= says("ldx must be even", [](Args& w) { w.ldx = w.k + 1; });
  }
  return all;
}

// Whether every variant's y has the bits that g and u of One have by sigmoid of
// numerics/elementary.h. Of One the last variant, which runs anywhere, stands for all.
template <class Op, class One>
bool dual_is_of_products(typename Op::Args a, void (*fill)(typename Op::Args&, Random&)) {
  CaseMemory memory;
  Op::buffers(a, memory);
  Random rng(5);
  fill(a, rng);
  const auto product = [&](const auto* w, [[maybe_unused]] auto scale_of) {
    typename One::Args one{.m = a.m, .n = a.n, .k = a.k, .ldx = a.ldx, .ldy = a.n};
    if constexpr (requires { one.w_factors; }) one.w_factors = a.w_factors;
    CaseMemory of_one;
    One::buffers(one, of_one);
    one.w = w, one.x = a.x;
    if constexpr (requires { one.w_scale; }) one.w_scale = scale_of(a);
    if constexpr (requires { one.x_scale; }) one.x_scale = a.x_scale;
    if constexpr (requires { one.x_blocks; }) one.x_blocks = a.x_blocks;
    One::variants().back().run(one, {});
    return std::vector<float>(one.y, one.y + a.m * a.n);
  };
  const auto g = product(a.gate, [](const auto& of) { return of.gate_scale; });
  const auto u = product(a.up, [](const auto& of) { return of.up_scale; });
  const Machine machine = cpu::this_machine();
  bool right = Op::check(a).ok();
  for (const auto& v : Op::variants()) {
    if (!machine.has(v.needs)) continue;
    v.run(a, {});
    int64_t wrong = 0;
    for (int64_t i = 0; i < a.m; ++i)
      for (int64_t j = 0; j < a.n; ++j) {
        const auto at = size_t(i * a.n + j);
        float y = g[at] * math::sigmoid(g[at]) * u[at];
        if (y != y) y = bit_cast<float>(0x7fc00000u);
        wrong += std::memcmp(&y, &a.y[i * a.ldy + j], sizeof y) != 0;
        a.y[i * a.ldy + j] = -1;
      }
    if (wrong > 0) fmt::print("{}: {} results are not of {}\n", v.name, wrong, One::name);
    right = right && wrong == 0;
  }
  return right;
}

// Makes token i of floats, [a.k]. What it is then, with its factors.
template <class Args>
std::vector<double> rounded_token(const Args& a, int64_t i, const float* x) {
  std::vector<double> as;
  if constexpr (requires { a.x_blocks; }) {
    encode_nvfp4_token(a, i, x);
    for (int64_t c = 0; c < a.k; ++c) {
      const e2m1x2 pair = a.x[(i * a.ldx + c) / 2];
      const double code = to_float(c % 2 == 0 ? low(pair) : high(pair));
      as.push_back(code * to_float(a.x_blocks[(i * a.k + c) / 16]) * a.x_scale[i]);
    }
  } else if constexpr (requires { a.x_scale; }) {
    const float scale = writable(a.x_scale)[i] = s8_scale(amax_of(x, a.k));
    for (int64_t c = 0; c < a.k; ++c)
      as.push_back(double(writable(a.x)[i * a.ldx + c] = s8_element(scale, x[c])) * scale);
  } else {
    for (int64_t c = 0; c < a.k; ++c) {
      put(writable(a.x)[i * a.ldx + c], x[c]);
      as.push_back(to_float(a.x[i * a.ldx + c]));
    }
  }
  return as;
}

// What sums in float cost, and what rounded activations: y from activations of a bell shape, one
// in 200 of them `outlier` times as large, against the same in double of the codes, and of the
// activations before they became codes: at most `exact` and `most`. fill(a, rng) makes matrices and
// factors of which gates are around 1, decode(a, panels, row) one row without its factors.
template <class Op, class Fill, class Decode>
bool dual_is_accurate(int k, float outlier, double most, Fill fill, Decode decode,
                      double exact = 1e-6) {
  typename Op::Args a{.m = 3, .n = 160, .k = k, .ldx = k, .ldy = 160};
  CaseMemory memory;
  Op::buffers(a, memory);
  Random rng(uint64_t(k), 9);
  fill(a, rng);
  std::vector<float> x(size_t(a.m * k));
  for (float& v : x)
    v = (rng.uniform(-1, 1) + rng.uniform(-1, 1) + rng.uniform(-1, 1)) *
        (rng.below(200) == 0 ? outlier : 1.0f);
  std::vector<std::vector<double>> rounded;
  for (int64_t i = 0; i < a.m; ++i) rounded.push_back(rounded_token(a, i, x.data() + i * k));
  if (!Op::check(a).ok()) return false;
  Op::variants().back().run(a, {});

  const auto silu = [](double g) { return g / (1 + std::exp(-g)); };
  RelativeError of_codes, of_floats;
  for (int j = 0; j < a.n; ++j) {
    const std::vector<double> gate = decode(a, a.gate, j), up = decode(a, a.up, j);
    for (int64_t i = 0; i < a.m; ++i) {
      double codes[2] = {}, floats[2] = {};
      for (int c = 0; c < k; ++c) {
        const double code = rounded[size_t(i)][size_t(c)], value = x[size_t(i * k + c)];
        codes[0] += gate[size_t(c)] * code, codes[1] += up[size_t(c)] * code;
        floats[0] += gate[size_t(c)] * value, floats[1] += up[size_t(c)] * value;
      }
      double g = 1, u = 1;
      if constexpr (requires { a.gate_scale; }) g = a.gate_scale[j], u = a.up_scale[j];
      const double y = a.y[i * a.ldy + j];
      of_codes.add(y, silu(codes[0] * g) * codes[1] * u);
      of_floats.add(y, silu(floats[0] * g) * floats[1] * u);
    }
  }
  fmt::print(
      "k {}, outliers times {}: relative L2 error {:.2g} of the rounded activations, {:.2g} of "
      "the floats\n",
      k, outlier, of_codes.l2(), of_floats.l2());
  return of_codes.l2() <= exact && of_floats.l2() <= most;
}

}  // namespace nibble::harness
