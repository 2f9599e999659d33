// Products of the e4m3 scales of 16 rows with that of a token, without the multipliers, which
// vpdpbusd and FMA have to share: for files compiled with AVX-512 and VBMI.
//
// A row's scale is a word: in bits 27..20 its exponent and fraction as the upper half of a float
// has them (numerics/fp4_sums.h), and in bits 3..0, where vpermd looks for an index, its sign and
// its fraction. A token's scale is a table of 16 floats: its products with 1, 1 1/8 .. 1 7/8, and
// with those below zero, less what the word has besides the exponent. So
//
//   table[word & 15] + word      as integers
//
// are the bits of the float that is both scales' product, as the exponent is added and nothing
// else. It has 8 bits and is exact. A row's scale of 0 has no word, nor has NaN.
#pragma once
#include <immintrin.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "nibble/numerics/fp4_sums.h"

namespace nibble::cpu {
namespace {

constexpr float kE4m3ProductUnit = 0x1p-32f;  // of products: all are normal, 2^-50 to 2^-14
constexpr uint8_t kE4m3WordSign = 8;

constexpr uint32_t e4m3_word(int magnitude) {
  const uint32_t code = e5m3_of(magnitude);
  return code << 20 | (code & 7);
}
constexpr std::array<uint32_t, 128 * 16> e4m3_product_table() {
  std::array<uint32_t, 128 * 16> table{};
  for (uint32_t x = 1; x < 0x7f; ++x)
    for (uint32_t i = 0; i < 16; ++i) {
      // A word with an exponent of e stands for 2^(e - 16), 1.0 being 1 in all.
      const float most = to_float(e4m3{uint8_t(x)}) * float(8 + (i & 7)) * 0x1p-19f;
      const float product = (i < 8 ? most : -most) * kE4m3ProductUnit;
      table[16 * x + i] = float_bits(product) - ((i & 7) << 20 | i);
    }
  return table;
}
alignas(64) constexpr std::array<uint32_t, 128 * 16> kE4m3Products = e4m3_product_table();

// Where the table of a token's scale begins, in bytes.
constexpr std::array<uint32_t, 128> e4m3_product_tables() {
  std::array<uint32_t, 128> table{};
  for (uint32_t x = 0; x < 128; ++x) table[x] = 64 * x;
  return table;
}
constexpr std::array<uint32_t, 128> kE4m3ProductTables = e4m3_product_tables();

namespace e4m3_detail {
constexpr bool exact_products() {
  for (int w = 1; w < 0x7f; ++w)
    for (int x : {1, 7, 8, 0x3f, 0x7e}) {
      const uint32_t word = e4m3_word(w);
      const float product = bit_cast<float>(kE4m3Products[size_t(16 * x) + (word & 15)] + word);
      if (product != to_float(e4m3{uint8_t(w)}) * to_float(e4m3{uint8_t(x)}) * kE4m3ProductUnit)
        return false;
    }
  return true;
}
}  // namespace e4m3_detail
static_assert(e4m3_detail::exact_products());

// The words of 16 rows for the four blocks of a tile, without signs; a dword a row holds e5m3_of()
// of its four scales.
[[maybe_unused, gnu::always_inline]] inline void e4m3_words(__m512i s, __m512 (&to)[4]) {
  const __m512i field = _mm512_set1_epi32(0x0ff00000), fraction = _mm512_set1_epi32(7);
  const __m512i upper[4] = {_mm512_slli_epi32(s, 20), _mm512_slli_epi32(s, 12),
                            _mm512_slli_epi32(s, 4), _mm512_srli_epi32(s, 4)};
  const __m512i lower[4] = {s, _mm512_srli_epi32(s, 8), _mm512_srli_epi32(s, 16),
                            _mm512_srli_epi32(s, 24)};
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j)  // (lower & fraction) | (upper & field)
    to[j] = _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(lower[j], fraction, _mm512_and_si512(upper[j], field), 0xea));
}
// Of the first `blocks` blocks of a tile, the scales that are not a word of theirs: a bit each.
[[maybe_unused, gnu::always_inline]] inline uint64_t e4m3_odd(__m512i bytes, int blocks) {
  const __m512i less = _mm512_sub_epi8(bytes, _mm512_set1_epi8(1));
  const uint64_t odd = _mm512_cmpgt_epu8_mask(less, _mm512_set1_epi8(0x7d));
  return blocks >= 4 ? odd : odd & 0x1111111111111111u * ((1u << blocks) - 1);
}
// `table`: the place of a token's table.
[[maybe_unused, gnu::always_inline]] inline __m512 e4m3_product(__m512 word, const uint8_t* table) {
  uint32_t offset;
  std::memcpy(&offset, table, 4);
  const auto* products = reinterpret_cast<const uint8_t*>(kE4m3Products.data());
  const __m512i w = _mm512_castps_si512(word);
  return _mm512_castsi512_ps(
      _mm512_add_epi32(_mm512_permutexvar_epi32(w, _mm512_load_si512(products + offset)), w));
}

}  // namespace
}  // namespace nibble::cpu
