// Panels of 4-bit codes to multiply with, for the cases of ops.
#pragma once
#include <algorithm>

#include "nibble/base/case.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble {

inline uint8_t any_finite_e4m3(Random& rng) {
  const auto code = uint8_t(rng.next32());
  return (code & 0x7f) == 0x7f ? 0x7e : code;
}
// Positive, within a few binades of one.
inline uint8_t likely_e4m3(Random& rng) { return uint8_t(0x28 + rng.below(0x30)); }
// Zeros of both signs, the least subnormal and the greatest, the least normal, 448; a NaN in 100.
inline uint8_t hard_e4m3(Random& rng) {
  constexpr uint8_t kHard[] = {0x00, 0x80, 0x01, 0x81, 0x07, 0x08, 0x7e, 0xfe};
  if (rng.below(100) == 0) return rng.below(2) == 0 ? 0x7f : 0xff;
  return kHard[rng.below(8)];
}
// Normal and positive, which is quick to decode, but one in 300, next to that range or far from it:
// alone among the 64 of a tile, mostly.
inline uint8_t plain_e4m3(Random& rng) {
  constexpr uint8_t kOthers[] = {0x00, 0x01, 0x07, 0x7f, 0x80, 0x88, 0xfe, 0xff};
  return rng.below(300) == 0 ? kOthers[rng.below(8)] : uint8_t(0x08 + rng.below(0x77));
}

// Codes of all bits, or code_at(row, column); scale(rng) for each block. What lies behind n and k
// is zero, as packing leaves it.
template <class Scale>
void fill_panels(PanelLayout p, int64_t n, int64_t k, Random& rng, Scale scale, uint8_t* w,
                 uint8_t (*code_at)(int64_t row, int k) = nullptr) {
  std::fill_n(w, p.bytes(n, k), uint8_t(0));
  for (int64_t row = 0; row < n; ++row) {
    uint8_t* panel = w + row / p.rows * p.panel_bytes(k);
    const int r = int(row % p.rows);
    for (int64_t column = 0; column < k; column += p.block) {
      uint8_t* tile = panel + column / p.tile_k() * p.tile_bytes();
      const int at = int(column % p.tile_k());
      tile[p.scale_offset(r, at)] = scale(rng);
      for (int c = 0; c < p.block; c += 16) {
        const uint64_t sixteen = rng.next64();
        for (int i = 0; i < 16; ++i) {
          const int code = code_at ? code_at(row, int(column) + c + i) : int(sixteen >> 4 * i & 15);
          uint8_t& byte = tile[p.code_offset(r, at + c + i)];
          byte = uint8_t(byte | code << p.code_shift(at + c + i));
        }
      }
    }
  }
}

}  // namespace nibble
