// For the tests of products of groups of tokens with a whole matrix each.
#pragma once
#include <array>
#include <cstring>
#include <vector>

#include "nibble/cpu/dense_checks.h"

namespace nibble::cpu {

// Every variant's results of a group are those of Single alone, bit for bit.
template <class Op, class Single>
bool is_a_product_of_each_group(int n, int k) {
  using T = typename Op::Args::Element;
  constexpr DensePanel layout = OwnedDense<Single>::kLayout;
  constexpr std::array<int64_t, 6> offsets = {0, 3, 3, 20, 21, 40};
  constexpr int groups = int(offsets.size()) - 1, m = int(offsets.back());
  OwnedDense<Single> all(m, groups * n, k, 5);  // x and memory; matrices below one another
  struct alignas(64) Line {
    uint8_t bytes[64];
  };
  const int64_t stride = layout.elements(n, k) + kDensePanel;
  std::vector<Line> w(size_t(groups * stride) * sizeof(T) / 64 + 1),
      workspace(size_t(m * dense_row_bytes(k, layout)) / 64);
  std::vector<float> want(size_t(m * n)), y(want.size());
  auto* packed = reinterpret_cast<T*>(w.data());
  typename Op::Args a{.groups = groups, .m = m, .n = n, .k = k, .ldx = k, .ldy = n};
  a.w_stride = stride, a.offsets = offsets.data(), a.w = packed, a.x = all.x.data();
  a.y = y.data(), a.workspace = workspace[0].bytes;
  for (size_t g = 0; g < groups; ++g) {
    pack_dense(&all.w[g * size_t(n * k)], k, n, k, packed + int64_t(g) * stride);
    typename Single::Args one = all.args;
    one.m = offsets[g + 1] - offsets[g], one.n = n, one.ldy = n;
    one.w = packed + int64_t(g) * stride, one.x = all.x.data() + offsets[g] * k;
    one.y = want.data() + offsets[g] * n;
    if (one.m > 0) Single::variants().back().run(one, {});
  }
  bool ok = Op::check(a).ok();
  for (const auto& v : Op::variants()) {
    if (!this_machine().has(v.needs)) continue;
    y.assign(y.size(), -1);
    v.run(a, {});
    ok = ok && std::memcmp(y.data(), want.data(), want.size() * sizeof(float)) == 0;
  }
  return ok;
}

}  // namespace nibble::cpu
