// Products of int8 rows with panels of 16 columns as gemm_s8 packs them (its contract): a tile is R
// rows by P neighbouring panels, whose sums are handed over in registers. s8_tile_avx512.h,
// s8_tile_avx2.h and s8_tile_portable.h have s8_tile() for an ISA; every one gives the same sums.
#pragma once
#include <cstdint>

#include "nibble/cpu/unrolled.h"
#include "nibble/cpu/vec16.h"

namespace nibble::cpu {
namespace {

inline constexpr int kS8Panel = 16;  // columns
inline constexpr int kS8Block = 4;   // neighbours in k: a lane of 32 bits
inline constexpr int kS8Line = kS8Panel * kS8Block;

struct S8Panels {
  const int8_t* first;  // the first panel of the tile
  int64_t bytes;        // from one panel to the next
  const int32_t* sums;  // 128 * sum over k, from the tile's first column on
  int k;
};

// Where a row's codes begin: rows `ld` apart, or any, which may repeat.
struct S8Strided {
  const int8_t* first;
  int64_t ld;
  const int8_t* at(int r) const { return first + r * ld; }
};
template <int R>
struct S8Rows {
  const int8_t* rows[R];
  const int8_t* at(int r) const { return rows[r]; }
};

// The last 1 to 4 bytes of a row without reading behind it; zeros above.
inline uint32_t s8_last_word(const int8_t* p, int count) {
  uint32_t v = 0;
  for (int i = 0; i < count; ++i) v |= uint32_t(uint8_t(p[i])) << 8 * i;
  return v;
}

}  // namespace
}  // namespace nibble::cpu
