// For the tests of dual dense products.
#pragma once
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "nibble/cpu/dense_checks.h"
#include "nibble/harness/dual_checks.h"
#include "nibble/numerics/dense_dual_cases.h"

namespace nibble::harness {

// Every variant's y is, bit for bit, silu of one product of Single times another, with a NaN in a
// column of gate and an infinity in a row of x, or without.
template <class Op, class Single>
bool is_silu_of_two_products(int m, int n, int k, bool special = false) {
  cpu::OwnedDense<Single> gate(m, n, k, 3), up(m, n, k, 4);
  if (special) put(gate.w[size_t(n / 2 * k)], NAN), put(gate.x[size_t(m / 2 * k)], INFINITY);
  up.args.x = gate.args.x;
  for (cpu::OwnedDense<Single>* one : {&gate, &up}) {
    one->repack();
    Single::variants().back().run(one->args, {});
  }
  std::vector<float> want(gate.y.size()), y(gate.y.size());
  for (size_t i = 0; i < want.size(); ++i) {
    const float product = gate.y[i] * math::sigmoid(gate.y[i]) * up.y[i];
    want[i] = std::isnan(product) ? bit_cast<float>(0x7fc00000u) : product;
  }
  const typename Op::Args a{.m = m,
                            .n = n,
                            .k = k,
                            .ldx = k,
                            .ldy = n,
                            .gate = gate.args.w,
                            .up = up.args.w,
                            .x = gate.args.x,
                            .y = y.data(),
                            .workspace = gate.args.workspace};
  bool ok = Op::check(a).ok();
  for (const auto& v : Op::variants()) {
    if (!cpu::this_machine().has(v.needs)) continue;
    y.assign(y.size(), -1);
    v.run(a, {});
    ok = ok && std::memcmp(y.data(), want.data(), want.size() * sizeof(float)) == 0;
  }
  return ok;
}

// Few rows, for which two panels are read at once; more, in strips; blocks of k; several tasks.
template <class Op, class Single>
bool are_silus_of_two_products() {
  bool ok = true;
  for (int m : {1, 2, 3, 17})
    for (bool special : {false, true})
      ok = ok && is_silu_of_two_products<Op, Single>(m, 70, 33, special);
  return ok && is_silu_of_two_products<Op, Single>(1, 33, 1055) &&
         is_silu_of_two_products<Op, Single>(31, 37, 1055) &&
         is_silu_of_two_products<Op, Single>(120, 130, 3);
}

template <class Op>
bool refuses_duals() {
  alignas(64) typename Op::Args::Element some[64] = {};
  float y[8];
  const auto says = [&](typename Op::Args a, const char* what) {
    return Op::check(a).why().find(what) != std::string::npos;
  };
  typename Op::Args a{.m = 1, .n = 8, .k = 4, .ldx = 4, .ldy = 8, .gate = some, .up = some};
  a.x = some, a.y = y, a.workspace = reinterpret_cast<uint8_t*>(some);
  auto flat = a, short_x = a, short_y = a, none = a, shifted = a;
  flat.k = 0, short_x.ldx = 3, short_y.ldy = 7, none.up = nullptr, shifted.up = some + 1;
  return Op::check(a).ok() && says(flat, "must be positive") && says(short_x, "ldx must be") &&
         says(short_y, "ldy at least n") &&
         says(none, "gate, up, x, y and workspace must not be") &&
         says(shifted, "aligned to 64 bytes");
}

// What a product with matrices as the op has them errs by, and what its activations add: at most so
// much of floats.
template <class Op>
bool is_accurate_dual(double most) {
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
