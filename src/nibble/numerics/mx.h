// OCP MX block formats: 32 elements along a row share a ue8m0 scale, value = element * 2^(scale -
// 127). MXFP4 has e2m1 elements, MXFP8 has e4m3 or e5m2.
//
// The element is x * 2^(127 - scale) to nearest, ties to even, saturated. How the scale follows
// from the block's greatest magnitude is not agreed on, so the rule has a name.
#pragma once
#include <cstdint>

#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp8.h"

namespace nibble {

inline constexpr int kMxBlock = 32;

// By its element: MXFP4, or one of the two kinds of MXFP8.
enum class MxFormat : uint8_t { e2m1, e4m3, e5m2 };

// Codes of a row: e2m1 two to a byte, the even element in the low nibble. cols % 32 == 0
NIBBLE_HD constexpr int64_t mx_row_bytes(MxFormat f, int64_t cols) {
  return f == MxFormat::e2m1 ? cols / 2 : cols;
}

enum class MxScale : uint8_t {
  floor,  // OCP's text: exponent of amax, less that of the largest element; amax may saturate
  ceil,   // the same of the next power of two
  even,   // the same of amax rounded to the element's fraction bits
  rceil,  // least power of two not below amax / largest element (tensor core libraries); no
          // element saturates
};

// The largest element: its exponent, its value; and how the element is made.
template <class Element>
struct MxElement;
template <>
struct MxElement<e2m1> {
  static constexpr int exponent = 2, fraction_bits = 1, bias = 1, bits = 4;
  static constexpr float largest = 6;
  NIBBLE_HD static constexpr e2m1 round(double x) { return to_e2m1_saturating(x); }
};
template <>
struct MxElement<e4m3> {
  static constexpr int exponent = 8, fraction_bits = 3, bias = 7, bits = 8;
  static constexpr float largest = 448;
  NIBBLE_HD static constexpr e4m3 round(double x) { return to_e4m3_saturating(x); }
};
template <>
struct MxElement<e5m2> {
  static constexpr int exponent = 15, fraction_bits = 2, bias = 15, bits = 8;
  static constexpr float largest = 57344;
  NIBBLE_HD static constexpr e5m2 round(double x) { return to_e5m2_saturating(x); }
};

// rceil is also the rule of FP8 activations in blocks of 64 or 128: mx_scale<e4m3>(rceil, amax)
// with amax at least 1e-4. Libraries that multiply by the rounded reciprocal of the largest element
// get the same scale for every float of normal size.
//
// The scale of a block whose greatest magnitude is amax. 0: 2^-127. NaN: NaN. Infinity: 2^127 by
// rceil, else as if amax had the exponent after the last.
template <class Element>
NIBBLE_HD constexpr ue8m0 mx_scale(MxScale rule, float amax) {
  using E = MxElement<Element>;
  if (is_nan(amax)) return {0xff};
  if (rule == MxScale::rceil) return to_ue8m0_up(amax / E::largest);
  uint32_t u = magnitude_bits(amax);
  if (u < kFloatInf) {
    if (rule == MxScale::ceil) u += 0x7fffffu;  // carries if a fraction bit is set
    if (rule == MxScale::even) u += 1u << (22 - E::fraction_bits);
  }
  const int scale = int(u >> 23) - E::exponent;
  return {uint8_t(scale > 0 ? scale : 0)};
}

// 0 in a block whose scale is NaN.
template <class Element>
NIBBLE_HD constexpr Element mx_element(ue8m0 scale, float x) {
  if (scale.bits == 0xff) return {};
  // Exact in double, also where 2^(127 - scale) or the product is no normal float.
  const double factor = bit_cast<double>(uint64_t(1023 + 127 - scale.bits) << 52);
  return MxElement<Element>::round(double(x) * factor);
}

// Exact but for elements below the least float; a value past the largest is infinite.
template <class Element>
NIBBLE_HD constexpr float mx_value(ue8m0 scale, Element element) {
  if (scale.bits == 0xff) return bit_cast<float>(kFloatQuietNaN);
  const double factor = bit_cast<double>(uint64_t(1023 - 127 + scale.bits) << 52);
  return float(double(to_float(element)) * factor);
}

static_assert(mx_scale<e2m1>(MxScale::floor, 7).bits == 127);  // 7 saturates to 6
static_assert(mx_scale<e2m1>(MxScale::rceil, 7).bits == 128);
static_assert(mx_scale<e4m3>(MxScale::rceil, 448).bits == 127);
static_assert(mx_scale<e4m3>(MxScale::even, 1.75f).bits == 119);
static_assert(mx_element<e2m1>({128}, 7).bits == 6);  // 3.5 is a tie: 4

}  // namespace nibble
