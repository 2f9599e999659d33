// Eight e2m1 codes in a 32-bit word, laid out so that left shifts and masks make pairs of halves of
// them: what GPUs without a conversion of e2m1 multiply with.
//
// Both 16-bit halves are alike; pair i is codes 2i and 2i + 1 of the row, one in each half. A half
// as IEEE has it keeps its sign in bit 15, and 2^-14 of a code's value has the code's magnitude in
// bits 11..9. Where the pairs wait for their turn, and the shifts that bring them there:
//
//   pair  sign  magnitude  shifts
//   0     15    11..9      none
//   1     12     8..6      3
//   2     14     5..3      1 for the sign, 6
//   3     13     2..0      2 for the sign, 9
//
// All 16 bits are used, none twice: a row takes as many bytes as before.
#pragma once
#include <cstdint>

#include "nibble/base/hd.h"

namespace nibble {

inline constexpr uint32_t kShiftedSigns = 0x80008000u, kShiftedMagnitudes = 0x0e000e00u;

// Of a word as checkpoints have it, code i in bits 4i..4i+3.
NIBBLE_HD constexpr uint32_t to_shifted_codes(uint32_t word) {
  constexpr int kSign[4] = {15, 12, 14, 13}, kMagnitude[4] = {9, 6, 3, 0};
  uint32_t shifted = 0;
  for (int i = 0; i < 8; ++i) {
    const uint32_t code = word >> (4 * i) & 15u, half = i % 2 == 0 ? 0 : 16;
    shifted |= ((code >> 3) << kSign[i / 2] | (code & 7u) << kMagnitude[i / 2]) << half;
  }
  return shifted;
}

// Pair i as bits of two halves, 2^-14 of the values.
NIBBLE_HD constexpr uint32_t shifted_pair(uint32_t w, int i) {
  constexpr uint32_t kBoth = kShiftedSigns | kShiftedMagnitudes;
  switch (i) {
    case 0:
      return w & kBoth;
    case 1:
      return w << 3 & kBoth;
    case 2:
      return (w << 1 & kShiftedSigns) | (w << 6 & kShiftedMagnitudes);
    default:
      return (w << 2 & kShiftedSigns) | (w << 9 & kShiftedMagnitudes);
  }
}

NIBBLE_HD constexpr uint32_t from_shifted_codes(uint32_t w) {
  uint32_t word = 0;
  for (int i = 0; i < 8; ++i) {
    const uint32_t half = shifted_pair(w, i / 2) >> (i % 2 == 0 ? 0 : 16);
    word |= ((half >> 15 & 1u) << 3 | (half >> 9 & 7u)) << (4 * i);
  }
  return word;
}

namespace shifted_codes_detail {
constexpr bool round_trips() {
  for (uint32_t bit = 1; bit != 0; bit <<= 1)
    if (from_shifted_codes(to_shifted_codes(bit)) != bit) return false;
  return true;
}
}  // namespace shifted_codes_detail
static_assert(shifted_codes_detail::round_trips());
static_assert(from_shifted_codes(to_shifted_codes(0x9abcdef7u)) == 0x9abcdef7u);
static_assert(shifted_pair(to_shifted_codes(0xf0000000u), 3) == 0x8e000000u);

}  // namespace nibble
