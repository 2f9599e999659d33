// The block scales of a tile of 16 rows as floats: for files compiled with AVX-512 and VBMI.
//
// A dword a row holds the e4m3 codes of four blocks. e4m3 is exact in bf16, so two tables of 128
// bytes, looked up for all 64 codes at once, give the upper half of the float; the sign is the
// code's. Subnormals come out as the normal floats they are, and 0x7f as NaN.
#pragma once
#include <immintrin.h>

#include <array>
#include <cstdint>

#include "nibble/numerics/bf16.h"
#include "nibble/numerics/fp8.h"

namespace nibble::cpu {
namespace {

template <int kShift>
constexpr std::array<uint8_t, 128> e4m3_bytes() {
  std::array<uint8_t, 128> table{};
  for (int code = 0; code < 128; ++code)
    table[size_t(code)] = uint8_t(to_bf16(to_float(e4m3{uint8_t(code)})).bits >> kShift);
  return table;
}
// Of two registers, low bytes and high ones: those of block j to the upper half of each dword.
constexpr std::array<uint8_t, 256> e4m3_upper_halves() {
  std::array<uint8_t, 256> index{};
  for (int j = 0; j < 4; ++j)
    for (int r = 0; r < 16; ++r) {
      index[size_t(64 * j + 4 * r + 2)] = uint8_t(4 * r + j);
      index[size_t(64 * j + 4 * r + 3)] = uint8_t(64 + 4 * r + j);
    }
  return index;
}
alignas(64) constexpr std::array<uint8_t, 128> kE4m3Low = e4m3_bytes<0>();
alignas(64) constexpr std::array<uint8_t, 128> kE4m3High = e4m3_bytes<8>();
alignas(64) constexpr std::array<uint8_t, 256> kE4m3Upper = e4m3_upper_halves();

struct BlockScales {
  __m512 block[4];  // lane r: row r
};
[[maybe_unused, gnu::always_inline]] inline BlockScales e4m3_scales(const uint8_t* tile) {
  const auto table = [](const auto& a, int i) { return _mm512_load_si512(a.data() + 64 * i); };
  const __m512i code = _mm512_load_si512(tile), sign = _mm512_set1_epi8(char(0x80));
  const __m512i low = _mm512_permutex2var_epi8(table(kE4m3Low, 0), code, table(kE4m3Low, 1));
  const __m512i most = _mm512_permutex2var_epi8(table(kE4m3High, 0), code, table(kE4m3High, 1));
  const __m512i high = _mm512_ternarylogic_epi32(most, code, sign, 0xf8);  // most | (code & sign)
  BlockScales s;
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j)
    s.block[j] = _mm512_castsi512_ps(
        _mm512_maskz_permutex2var_epi8(0xcccccccccccccccc, low, table(kE4m3Upper, j), high));
  return s;
}

// Every NaN as the quiet one without sign, so that variants agree in its bits.
[[maybe_unused, gnu::always_inline]] inline __m512 one_nan(__m512 x) {
  const __m512 nan = _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000));
  return _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), nan);
}
// Lanes of panel `panel` that are among n rows.
[[maybe_unused]] inline __mmask16 panel_lanes(int64_t panel, int n) {
  const int64_t left = n - 16 * panel;
  return left >= 16 ? __mmask16(0xffff) : __mmask16((1 << left) - 1);
}

}  // namespace
}  // namespace nibble::cpu
