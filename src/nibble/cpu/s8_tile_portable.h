// Tiles of s8_tile.h in plain C++: one panel.
#pragma once
#include "nibble/cpu/s8_tile.h"

namespace nibble::cpu {
namespace {

template <class Rows, int R>
void s8_tile(const S8Panels& b, const Rows& x, I16 (&acc)[R]) {
  for (int r = 0; r < R; ++r) {
    acc[r] = splat(0);
    for (int k = 0; k < b.k; ++k) {
      const int8_t* w = b.first + k / kS8Block * kS8Line + k % kS8Block;
      for (int j = 0; j < kS8Panel; ++j) acc[r].v[j] += x.at(r)[k] * w[j * kS8Block];
    }
  }
}

}  // namespace
}  // namespace nibble::cpu
