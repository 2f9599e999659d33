// A matrix of random signs [k][n], one bit each, in the order that int8 products read it: panels of
// 16 columns, blocks of 4 rows, the 64 bits of a block column by column.
//
//   bit 4 j + i of block (p, q): e[4 q + i][16 p + j], set: +1, clear: -1
//
// So a block's bits are the mask of one line of gemm_s8's panels. k and n are multiples of 16.
#pragma once
#include <cstdint>

#include "nibble/base/op.h"

namespace nibble {

inline constexpr int kSignPanel = 16, kSignBlock = 4;

constexpr int64_t sign_words(int64_t k, int64_t n) { return k * n / 16; }  // of 16 bits

constexpr int64_t sign_block(int64_t k, int64_t row, int64_t column) {
  return column / kSignPanel * (k / kSignBlock) + row / kSignBlock;
}

constexpr int sign_at(const uint16_t* e, int64_t k, int64_t row, int64_t column) {
  const int64_t bit = sign_block(k, row, column) * (kSignPanel * kSignBlock) +
                      column % kSignPanel * kSignBlock + row % kSignBlock;
  return (e[bit / 16] >> bit % 16 & 1) != 0 ? 1 : -1;
}

static_assert(sign_block(32, 5, 17) == 9 && sign_words(32, 48) == 96);

}  // namespace nibble
