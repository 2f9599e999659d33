// For the tests of dense products: what a contract says of its sums, asked of every variant that
// this machine can run.
#pragma once
#include <cmath>
#include <cstring>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/numerics/dense_cases.h"
#include "nibble/numerics/elementary.h"

namespace nibble::cpu {

// A problem that owns its memory.
template <class Op>
struct OwnedDense {
  using T = typename Op::Args::Element;
  static constexpr DensePanel kLayout = kDensePanelOf<T>;
  struct alignas(64) Line {
    uint8_t bytes[64];
  };
  std::vector<T> x, w;  // row-major
  std::vector<Line> packed, workspace;
  std::vector<float> y;
  typename Op::Args args;

  OwnedDense(int m, int n, int k, uint64_t seed)
      : x(size_t(m * k)),
        w(size_t(n * k)),
        packed(size_t(kLayout.elements(n, k)) * sizeof(T) / 64 + 1),
        workspace(size_t(dense_workspace_bytes(m, k, kLayout)) / 64 + 1),
        y(size_t(m * n)) {
    Random rng(seed);
    for (T& v : x) put(v, rng.uniform(-1, 1));
    for (T& v : w) put(v, rng.uniform(-1, 1));
    args = {.m = m, .n = n, .k = k, .ldx = k, .ldy = n};
    args.w = reinterpret_cast<const T*>(packed.data());
    args.x = x.data(), args.y = y.data(), args.workspace = workspace[0].bytes;
  }
  void repack() { pack_dense(w.data(), args.k, args.n, args.k, writable(args.w)); }
};

// every(y) after every variant.
template <class Op, class Fn>
bool after_each_variant(OwnedDense<Op>& p, Fn every) {
  const Machine machine = this_machine();
  p.repack();
  bool ok = Op::check(p.args).ok();
  for (const auto& v : Op::variants()) {
    if (!machine.has(v.needs)) continue;
    v.run(p.args, {});
    ok = ok && every(p.y);
  }
  return ok;
}

// One chain of fma from +0, in the order of k, the last of a group of neighbours first.
template <class Op>
bool is_one_chain(int m, int n, int k) {
  OwnedDense<Op> p(m, n, k, 7);
  constexpr int group = OwnedDense<Op>::kLayout.group;
  std::vector<float> want;
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int q = 0; q < k; q += group)
        for (int at = (q + group < k ? q + group : k) - 1; at >= q; --at)
          sum =
              math::fma(to_float(p.x[size_t(i * k + at)]), to_float(p.w[size_t(j * k + at)]), sum);
      want.push_back(sum);
    }
  return after_each_variant(p, [&](const std::vector<float>& y) {
    return std::memcmp(y.data(), want.data(), want.size() * sizeof(float)) == 0;
  });
}

// A NaN of w reaches its column alone, an infinity of x its row alone.
template <class Op>
bool keeps_nan_and_infinity_apart() {
  constexpr int m = 5, n = 37, k = 19, column = 33, row = 2;
  OwnedDense<Op> p(m, n, k, 8);
  for (auto& v : p.w) put(v, 1.0f);
  put(p.w[column * k + 4], NAN);
  put(p.x[row * k + 18], INFINITY);
  return after_each_variant(p, [&](const std::vector<float>& y) {
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        const float v = y[size_t(i * n + j)];
        if (std::isnan(v) != (j == column) || std::isinf(v) != (j != column && i == row))
          return false;
      }
    return true;
  });
}

// vdpbf16ps is chosen where it is quicker than FMA, whoever has it.
template <class Op>
bool chooses_bf16(const typename Op::Args& a) {
  const auto on = [&](MicroArch uarch, IsaSet isas, std::string_view wanted) {
    return chosen<Op>(a, isas, uarch) == (Op::variants().size() > 1 ? wanted : "portable");
  };
  constexpr IsaSet every = Isa::avx512 | Isa::vnni | Isa::bf16;
  return on(MicroArch::unknown, Isa::portable, "portable") &&
         on(MicroArch::zen3, Isa::avx2, "avx2") &&
         on(MicroArch::sapphire_rapids, every, "avx512") &&
         on(MicroArch::zen4, every, "avx512_bf16") && on(MicroArch::zen5, every, "avx512_bf16");
}

}  // namespace nibble::cpu
