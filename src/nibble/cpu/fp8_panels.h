// Products of bf16 or e4m3 rows with panels of 16 rows of e4m3 weights (numerics/panel_layout.h):
// what the ops of both kinds of activations share, whatever the ISA.
//
// Both operands are bf16 numbers, a product of two is an exact float, and sums are floats in one
// order, so all variants give the same bits. It is the order of vdpbf16ps on lanes of two columns,
// which adds the odd column first (Zen 5 does; Intel's manual says so too):
//
//   for columns 4q .. 4q+3, q = 0, 1, ...: to sum p = (q % 2, 0), column 4q+1, then 4q; to sum
//   (q % 2, 1), column 4q+3, then 4q+2. Of a block: (p00 + p10) + (p01 + p11).
//   total = fma(block, factor, total), from 0; y = total * w_scale * x_scale. NaN: 0x7fc00000.
//
// A block is 128 columns where one of the operands has factors of them, else all. vdpbf16ps takes
// subnormals for zeros: bf16 activations below 2^-100 count as zeros everywhere, and then no
// product or sum is subnormal: all are multiples of 2^-116. Where a sum reaches 2^120, one variant
// may overflow and another not.
#pragma once
#include <cstring>

#include "nibble/base/op.h"
#include "nibble/cpu/token_tiles.h"
#include "nibble/numerics/bf16.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::cpu {

inline constexpr PanelLayout kFp8Layout{kPanelRows, PanelCodes::bytes, 0};
inline constexpr int kFp8Block = 128;  // columns of a factor, and rows where it is of a tile

constexpr int64_t fp8_blocks(int64_t k) { return (k + kFp8Block - 1) / kFp8Block; }
// A group of 4 columns of an activation row: 4 bf16 as they come, or 4 floats as columns 1, 3,
// 0, 2.
constexpr int64_t fp8_row_bytes(int64_t k) { return (k + 63) / 64 * 64 * 4; }
constexpr int64_t fp8_block_rows(int64_t m, int64_t k) { return token_block(m, fp8_row_bytes(k)); }
constexpr int64_t fp8_scratch_bytes(int64_t m, int64_t k) {
  return fp8_block_rows(m, k) * fp8_row_bytes(k);
}

// What has a factor: nothing, each row, or each block: 128 columns of an activation row, 128 x 128
// weights.
enum class Fp8Factors : uint8_t { none, rows, blocks };
constexpr int64_t fp8_factors(Fp8Factors f, int64_t rows, int64_t block_rows, int64_t k) {
  if (f == Fp8Factors::rows) return rows;
  return f == Fp8Factors::none ? 0 : (rows + block_rows - 1) / block_rows * fp8_blocks(k);
}

// Absent factors are null and count as 1.
struct Fp8Scales {
  const float* w_row = nullptr;    // [n]
  const float* w_tile = nullptr;   // [ceil(n / 128)][fp8_blocks(k)]
  const float* x_row = nullptr;    // [m]
  const float* x_block = nullptr;  // [m][fp8_blocks(k)]

  void set_w(Fp8Factors f, const float* p) { (f == Fp8Factors::rows ? w_row : w_tile) = p; }
  void set_x(Fp8Factors f, const float* p) { (f == Fp8Factors::rows ? x_row : x_block) = p; }
  bool blocked() const { return w_tile != nullptr || x_block != nullptr; }
};

// What a tile of R rows and a panel is made from, and where it goes. Factors are those of its first
// row; x_block is `blocks` from one row to the next.
struct Fp8Tile {
  const uint8_t* w = nullptr;
  const uint8_t* groups = nullptr;
  int64_t lines = 0, block_lines = 0;  // 64 bytes of weights, 4 columns each
  Fp8Scales scales;
  int64_t blocks = 0;
  float* y = nullptr;
  int64_t ldy = 0;
  int columns = 0;
};

namespace {

constexpr uint16_t kFp8LeastActivation = (127 - 100) << 7;  // 2^-100 as bf16

inline float fp8_activation(bf16 x) {
  return (x.bits & 0x7fff) < kFp8LeastActivation ? 0.0f : to_float(x);
}
inline float fp8_activation(e4m3 x) { return to_float(x); }

inline float fp8_factor(const Fp8Tile& t, int64_t row, int64_t block) {
  const float w = t.scales.w_tile ? t.scales.w_tile[block] : 1.0f;
  return t.scales.x_block ? w * t.scales.x_block[row * t.blocks + block] : w;
}

[[maybe_unused]] void fp8_store(const Fp8Tile& t, int row, int column, float total, bool nan) {
  float y = total;
  if (t.scales.w_row) y *= t.scales.w_row[column];
  if (t.scales.x_row) y *= t.scales.x_row[row];
  t.y[row * t.ldy + column] = nan || y != y ? bit_cast<float>(0x7fc00000u) : y;
}

struct Bf16Groups {
  static constexpr int kBytes = 8;
  static void put(uint8_t* to, const float (&v)[4]) {
    for (int i = 0; i < 4; ++i) {  // exact: the upper half of a float
      uint32_t bits;
      std::memcpy(&bits, &v[i], 4);
      const auto half = uint16_t(bits >> 16);
      std::memcpy(to + 2 * i, &half, 2);
    }
  }
};
struct FloatGroups {
  static constexpr int kBytes = 16;
  static void put(uint8_t* to, const float (&v)[4]) {
    const float ordered[] = {v[1], v[3], v[0], v[2]};
    std::memcpy(to, ordered, sizeof ordered);
  }
};

template <class Args>
using Element = std::remove_cvref_t<decltype(*Args::x)>;

// One tile of rows as [k / 4][rows] groups, zeros behind the last column.
template <class Groups, class T>
[[maybe_unused]] void fp8_copy(const T* x, int64_t ldx, int rows, int k, uint8_t* to) {
  for (int r = 0; r < rows; ++r, x += ldx)
    for (int g = 0; g < (k + 63) / 64 * 16; ++g) {
      float v[4] = {};
      for (int i = 0; i < 4 && 4 * g + i < k; ++i) v[i] = fp8_activation(x[4 * g + i]);
      Groups::put(to + (int64_t(g) * rows + r) * Groups::kBytes, v);
    }
}

// copy(x, ldx, rows, k, to) as fp8_copy() and then tile(rows, Fp8Tile) for all tiles of a product.
template <class Groups, int kTokens, class Args, class Copy, class Tile>
[[maybe_unused]] void run_fp8(const Args& a, const Fp8Scales& s, const Exec& e, Copy&& copy,
                              Tile&& tile) {
  const int64_t panel_bytes = kFp8Layout.panel_bytes(a.k), most = fp8_block_rows(a.m, a.k);
  const int64_t row_bytes = int64_t((a.k + 63) / 64 * 16) * Groups::kBytes;
  const int64_t blocks = fp8_blocks(a.k);
  for (int64_t block = 0; block < a.m; block += most) {
    const int64_t rows = std::min(most, a.m - block);
    each_tile_copy<kTokens>(rows, e.pool, [&](int64_t begin, int count) {
      copy(a.x + (block + begin) * a.ldx, a.ldx, count, a.k, a.scratch + begin * row_bytes);
    });
    each_tile<kTokens, 1>(
        rows, a.n, panel_bytes, e.pool, [=](int64_t begin, int count, int64_t panel, int) {
          const int64_t row = block + begin, column = panel * kPanelRows;
          const auto at = [](const float* p, int64_t i) { return p ? p + i : nullptr; };
          const Fp8Scales scales = {.w_row = at(s.w_row, column),
                                    .w_tile = at(s.w_tile, column / kFp8Block * blocks),
                                    .x_row = at(s.x_row, row),
                                    .x_block = at(s.x_block, row * blocks)};
          tile(count, Fp8Tile{.w = a.w + panel * panel_bytes,
                              .groups = a.scratch + begin * row_bytes,
                              .lines = panel_bytes / 64,
                              .block_lines = s.blocked() ? kFp8Block / 4 : panel_bytes / 64,
                              .scales = scales,
                              .blocks = blocks,
                              .y = a.y + row * a.ldy + column,
                              .ldy = a.ldy,
                              .columns = int(std::min<int64_t>(kPanelRows, a.n - column))});
        });
  }
}

}  // namespace
}  // namespace nibble::cpu
