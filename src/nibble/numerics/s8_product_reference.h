// What the contracts of products of int8 tokens with panels of whole codes share (gemm_int8_s8,
// gemm_ternary_s8): checks, buffers, and the reference.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/op.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble {

template <class Args>
Status s8_product_check(const std::string& op, const Args& a, int most_k) {
  if (a.m < 1 || a.n < 1)
    return Status::error(op + ": m and n must be positive, got m=" + std::to_string(a.m) +
                         ", n=" + std::to_string(a.n));
  if constexpr (requires { a.batch; })
    if (a.batch < 1 || a.batch > 32767)
      return Status::error(op + ": batch must be 1 to 32767, got " + std::to_string(a.batch));
  if (a.k < 1 || a.k > most_k)
    return Status::error(op + ": k must be in 1.." + std::to_string(most_k) + ", got " +
                         std::to_string(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error(op + ": ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (!a.w || !a.w_scale || !a.x || !a.x_scale || !a.y || !a.scratch)
    return Status::error(op + ": no pointer may be null");
  if (reinterpret_cast<uintptr_t>(a.w) % 64 != 0 ||
      reinterpret_cast<uintptr_t>(a.scratch) % 64 != 0)
    return Status::error(op + ": w and scratch must be aligned to 64 bytes");
  return {};
}

template <class Layout, class Args>
void s8_product_buffers(const Layout& layout, Args& a, int64_t scratch, BufferVisitor& v) {
  const int64_t rows = a.batch * a.m;
  v.in("w", a.w, a.batch * layout.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, int64_t(a.batch) * a.n);
  v.in("x", a.x, (rows - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, rows);
  v.inout("y", a.y, (rows - 1) * a.ldy + a.n);
  v.workspace("scratch", a.scratch, scratch, 64);
}

// Of one pair of the batch; weight(tile, r, k) of row r and column k of a tile.
template <class Layout, class Args, class Weight>
void s8_tiles_reference(const Layout& layout, const Args& a, Weight weight) {
  std::vector<int> row(size_t(a.k));
  for (int64_t j = 0; j < a.n; ++j) {
    const uint8_t* panel = a.w + j / layout.rows * layout.panel_bytes(a.k);
    for (int k = 0; k < a.k; ++k)
      row[size_t(k)] = weight(panel + k / layout.tile_k() * layout.tile_bytes(),
                              int(j % layout.rows), k % layout.tile_k());
    for (int64_t i = 0; i < a.m; ++i) {
      const int8_t* x = a.x + i * a.ldx;
      int64_t sum = 0;
      for (int k = 0; k < a.k; ++k) sum += row[size_t(k)] * x[k];
      a.y[i * a.ldy + j] = float(sum) * a.w_scale[j] * a.x_scale[i];
    }
  }
}
// weight(code) of the bits of a code.
template <class Args, class Weight>
void s8_product_reference(const PanelLayout& layout, const Args& a, Weight weight) {
  s8_tiles_reference(layout, a, [&](const uint8_t* tile, int r, int k) {
    const int code = tile[layout.code_offset(r, k)] >> layout.code_shift(k);
    return weight(code & ((1 << layout.code_bits()) - 1));
  });
}

}  // namespace nibble
