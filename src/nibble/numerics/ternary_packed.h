// Rows of ternary weights, packed: a row begins at a byte, and what is left of its last byte is
// weights 0.
//
//   two_bit   four in a byte, ternary_x4: element 4i + j in bits 2j and 2j + 1, as code w + 1
//   base3     five in a byte, 1.6 bits each: n = the number whose base-3 digits are the codes w + 1
//   of
//             elements 5i .. 5i + 4, the first the most significant; the byte is n * 256 / 243
//             rounded up. Then digit j is the upper byte of ((byte * 3^j) & 255) * 3: no division
//             decodes.
#pragma once
#include <cstdint>

#include "nibble/numerics/ternary.h"

namespace nibble {

enum class TernaryPacking : uint8_t { two_bit, base3 };

NIBBLE_HD constexpr int ternaries_in_byte(TernaryPacking p) {
  return p == TernaryPacking::two_bit ? 4 : 5;
}
NIBBLE_HD constexpr int64_t ternary_row_bytes(TernaryPacking p, int64_t cols) {
  return (cols + ternaries_in_byte(p) - 1) / ternaries_in_byte(p);
}

// n is below 243.
NIBBLE_HD constexpr uint8_t base3_byte(uint32_t n) { return uint8_t((n * 256 + 242) / 243); }
NIBBLE_HD constexpr uint8_t pack_base3(int w0, int w1, int w2, int w3, int w4) {
  return base3_byte(uint32_t((((((w0 + 1) * 3 + w1 + 1) * 3 + w2 + 1) * 3 + w3 + 1) * 3) + w4 + 1));
}
// A byte that no weights pack to decodes to some weights, too.
NIBBLE_HD constexpr int base3_at(uint8_t byte, int j) {
  constexpr uint32_t power[] = {1, 3, 9, 27, 81};
  return int((byte * power[j] & 255) * 3 >> 8) - 1;
}

// Element j of a byte; code 3 of a two-bit byte is no weight, and 2 here.
NIBBLE_HD constexpr int ternary_at(TernaryPacking p, uint8_t byte, int j) {
  return p == TernaryPacking::two_bit ? ternary_at(ternary_x4{byte}, j) : base3_at(byte, j);
}
// A byte of `count` weights from w on, zeros behind them.
NIBBLE_HD constexpr uint8_t pack_ternaries(TernaryPacking p, const int8_t* w, int count) {
  int v[5] = {};
  for (int j = 0; j < count; ++j) v[j] = w[j];
  return p == TernaryPacking::two_bit ? pack_ternary(v[0], v[1], v[2], v[3]).bits
                                      : pack_base3(v[0], v[1], v[2], v[3], v[4]);
}

static_assert(pack_base3(-1, -1, -1, -1, -1) == 0 && pack_base3(0, 0, 0, 0, 0) == 128);
static_assert(pack_base3(1, 1, 1, 1, 1) == 255 && base3_at(pack_base3(1, 0, -1, 1, -1), 3) == 1);
static_assert(ternary_row_bytes(TernaryPacking::base3, 11) == 3);

}  // namespace nibble
