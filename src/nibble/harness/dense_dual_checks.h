// For the tests of dual dense products.
#pragma once
#include <cmath>
#include <vector>

#include "nibble/harness/dual_checks.h"
#include "nibble/numerics/dense_dual_cases.h"

namespace nibble::harness {

// Few rows, for which two panels are read at once; more, in strips; blocks of k; several tasks.
// What is not finite in gate, in up and in x, or nothing of it.
template <class Op, class One>
bool dense_dual_is_of_products() {
  using Args = typename Op::Args;
  const auto is = [](int64_t m, int n, int k, void (*fill)(Args&, Random&)) {
    return dual_is_of_products<Op, One>({.m = m, .n = n, .k = k, .ldx = k, .ldy = n}, fill);
  };
  bool all = true;
  for (int m : {1, 2, 3, 17})
    all = is(m, 70, 33, fill_dual_random<Args>) && is(m, 70, 33, fill_dual_special<Args>) && all;
  return is(1, 33, 1055, fill_dual_random<Args>) && is(31, 37, 1055, fill_dual_random<Args>) &&
         is(120, 130, 3, fill_dual_random<Args>) && all;
}

// What a product with matrices as the op has them errs by, and what its activations add: at most so
// much of floats.
template <class Op>
bool dense_dual_is_accurate(double most) {
  using Args = typename Op::Args;
  using T = typename Args::Element;
  const auto fill = [](Args& a, Random& rng) {
    const float unit = std::sqrt(3 / float(a.k));
    fill_gate_and_up(a, [&](int) { return rng.uniform(-unit, unit); });
  };
  const auto decode = [](const Args& a, const T* panels, int row) {
    std::vector<double> w(size_t(a.k));
    for (int c = 0; c < a.k; ++c)
      w[size_t(c)] = to_float(panels[kDensePanelOf<T>.slot(row, c, a.k)]);
    return w;
  };
  constexpr double kSums = 3e-6;  // one chain of up to 4096
  return dual_is_accurate<Op>(1024, 1, most, fill, decode, kSums) &&
         dual_is_accurate<Op>(4096, 1, most, fill, decode, kSums) &&
         dual_is_accurate<Op>(4096, 10, most, fill, decode, kSums);
}

}  // namespace nibble::harness
