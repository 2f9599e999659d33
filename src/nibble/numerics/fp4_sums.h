// Products of e2m1 weights with int8 activations, summed over a block that shares a scale.
//
// Twice an element is an integer, 0 to 12 and a sign, and a block's sum of these is exact: at most
// 16 * 12 * 128 = 24576 for NVFP4, twice as much for MXFP4. What the blocks add up to is a float
// sum in the order of k,
//
//   t = 0;  for each block b:  t = fma(S[b], scale[b], t)      S[b] = sum 2 * element * x
//   y = (t * 0.5) * (w_scale * x_scale)                          a NaN is 0x7fc00000
//
// S * scale is exact in float for e4m3 (15 and 4 bits), so that with these scales fma is an exact
// product and a rounded sum.
//
// With activations in NVFP4, too, x is twice an element, |S| is at most 16 * 12 * 12 = 2304, the
// scale is the product of both blocks' (8 bits) and t is multiplied by 0.25. A token with a NaN for
// a scale has NaN for a result, whatever it is multiplied with.
//
// Multiply-adds of bytes want one operand without sign. It is the weight: its code is looked up as
// 2 * element + 12, 0 to 24, and a sum starts at -12 times the sum of its x.
#pragma once
#include <array>
#include <cstdint>

#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble {

inline constexpr int kFp4Offset = 12;
inline constexpr uint32_t kFp4Nan = 0x7fc00000;

constexpr std::array<int8_t, 16> fp4_doubled_codes() {
  std::array<int8_t, 16> table{};
  for (int i = 0; i < 16; ++i) table[size_t(i)] = int8_t(2 * to_float(e2m1{uint8_t(i)}));
  return table;
}
// What a code is looked up as.
constexpr uint8_t fp4_offset_code(int code) {
  return uint8_t(int(2 * to_float(e2m1{uint8_t(code)})) + kFp4Offset);
}
constexpr std::array<uint8_t, 16> fp4_offset_codes() {
  std::array<uint8_t, 16> table{};
  for (int i = 0; i < 16; ++i) table[size_t(i)] = fp4_offset_code(i);
  return table;
}

// An e4m3 magnitude, subnormal or not, as 5 exponent bits and 3 fraction bits of a normal number;
// 0 is 0. Moved to bits 27..20 of a float this is the scale times 2^-111, and never a subnormal
// float, which some processors take a hundred cycles for. NaN (0x7f) has no such code: 0.
inline constexpr float kE5m3Unit = 0x1p-111f;
constexpr uint8_t e5m3_of(int magnitude) {
  const float value = to_float(e4m3{uint8_t(magnitude)});
  if (magnitude == 0 || magnitude == 0x7f) return 0;
  return uint8_t(float_bits(value * kE5m3Unit) >> 20);
}
constexpr std::array<uint8_t, 128> e5m3_codes() {
  std::array<uint8_t, 128> table{};
  for (int i = 0; i < 128; ++i) table[size_t(i)] = e5m3_of(i);
  return table;
}

namespace fp4_detail {
constexpr bool exact_e5m3() {
  for (int i = 0; i < 0x7f; ++i)
    if (bit_cast<float>(uint32_t(e5m3_of(i)) << 20) != to_float(e4m3{uint8_t(i)}) * kE5m3Unit)
      return false;
  return true;
}
}  // namespace fp4_detail
static_assert(fp4_detail::exact_e5m3());
static_assert(fp4_offset_code(0) == 12 && fp4_offset_code(8) == 12);
static_assert(fp4_offset_code(7) == 24 && fp4_offset_code(15) == 0);
// Four pairs of byte products in int16, any table entry and any x: vpmaddubsw without saturation.
static_assert(4 * 2 * 24 * 128 <= 32767);

}  // namespace nibble
