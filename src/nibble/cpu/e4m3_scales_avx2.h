// The block scales of a tile of 16 rows as floats, for files compiled for AVX2 and F16C.
//
// What encoders make, codes 8 to 0x7e, are bits of a float but for the exponent's bias. The others,
// zeros, subnormals, those with a sign and NaN, go by way of fp16: a code shifted to an fp16's
// exponent and fraction is its value times 2^-8, and the conversion to float is exact. Only 0x7f,
// 480 by its bits, is not the NaN that it means: rows that hold one are remembered.
#pragma once
#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace nibble::cpu {
namespace {

constexpr float kE4m3Lifted = 0x1p-105f;  // times the scale: still normal if the scale is not

struct BlockScales {
  alignas(32) float block[4][16];
};
class NanRows {
 public:
  [[gnu::always_inline]] void see(int half, __m256i codes) {
    const __m256i magnitude = _mm256_or_si256(codes, _mm256_set1_epi8(char(0x80)));
    seen_[half] = _mm256_or_si256(seen_[half], _mm256_cmpeq_epi8(magnitude, _mm256_set1_epi8(-1)));
  }
  // NaN in the rows that had one.
  [[gnu::always_inline]] __m256 marked(int half, __m256 rows) const {
    const __m256i clean = _mm256_cmpeq_epi32(seen_[half], _mm256_setzero_si256());
    const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));
    return _mm256_blendv_ps(nan, rows, _mm256_castsi256_ps(clean));
  }

 private:
  __m256i seen_[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
};

// Any codes; times `unit`.
[[maybe_unused, gnu::noinline, gnu::cold]] void hard_e4m3_scales(const uint8_t* tile, float unit,
                                                                 BlockScales& s, NanRows& nans) {
  const __m256i by_block = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  const __m256i by_row = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i zero = _mm256_setzero_si256(), kept = _mm256_set1_epi16(short(0xbf80));
  for (int half = 0; half < 2; ++half) {
    const __m256i codes = _mm256_load_si256(reinterpret_cast<const __m256i*>(tile) + half);
    nans.see(half, codes);
    // Eight codes of block 0, of 1, of 2 and of 3; then as the upper bytes of words, 0 and 2 in the
    // halves of one register, 1 and 3 of the other. The shift leaves the sign where it was.
    const __m256i t = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(codes, by_block), by_row);
    const auto halves = [&](__m256i w) { return _mm256_and_si256(_mm256_srai_epi16(w, 1), kept); };
    const __m256i even = halves(_mm256_unpacklo_epi8(zero, t));
    const __m256i odd = halves(_mm256_unpackhi_epi8(zero, t));
    const auto put = [&](int block, __m128i h) {
      _mm256_store_ps(s.block[block] + 8 * half,
                      _mm256_mul_ps(_mm256_cvtph_ps(h), _mm256_set1_ps(unit * 0x1p8f)));
    };
    put(0, _mm256_castsi256_si128(even)), put(2, _mm256_extracti128_si256(even, 1));
    put(1, _mm256_castsi256_si128(odd)), put(3, _mm256_extracti128_si256(odd, 1));
  }
}

// A dword a row holds the codes of four blocks. Times kE4m3Lifted, or not.
template <bool kLifted>
[[gnu::always_inline]] inline void e4m3_scales(const uint8_t* tile, BlockScales& s, NanRows& nans) {
  // Plus 120 a code of 8 to 0x7e, and no other, is 128 to 246 without a carry: five bits of
  // exponent and three of fraction, for bits 27 to 20 of the float. The codes of blocks 0 and 2,
  // and of 1 and 3, become the upper bytes of words: 12 bits up, the first of a dword is there and
  // the second gone; a product's upper half has the second 4 bits down and nothing of the first.
  const __m256i second = _mm256_set1_epi32(0x10000000), upper = _mm256_set1_epi16(short(0xff00));
  __m256i codes[2];
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
    codes[half] = _mm256_add_epi8(_mm256_load_si256(reinterpret_cast<const __m256i*>(tile) + half),
                                  _mm256_set1_epi8(120));
    const __m256i even = _mm256_slli_epi16(codes[half], 8);
    const __m256i odd = _mm256_and_si256(codes[half], upper);
    const __m256i at[4] = {_mm256_slli_epi32(even, 12), _mm256_slli_epi32(odd, 12),
                           _mm256_mulhi_epu16(even, second), _mm256_mulhi_epu16(odd, second)};
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const __m256 lifted = _mm256_castsi256_ps(at[j]);
      _mm256_store_ps(s.block[j] + 8 * half,
                      kLifted ? lifted : _mm256_mul_ps(lifted, _mm256_set1_ps(1 / kE4m3Lifted)));
    }
  }
  // As signed numbers -128 to -10: negative with 9 added, and no other is.
  const __m256i plain = _mm256_adds_epi8(_mm256_max_epi8(codes[0], codes[1]), _mm256_set1_epi8(9));
  if (_mm256_movemask_epi8(plain) != -1) [[unlikely]]
    hard_e4m3_scales(tile, kLifted ? kE4m3Lifted : 1, s, nans);
}

// Every NaN as the quiet one without sign, so that variants agree in its bits.
[[maybe_unused, gnu::always_inline]] inline __m256 one_nan(__m256 x) {
  const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));
  return _mm256_blendv_ps(x, nan, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
// Up to 8 floats; what does not exist is not touched.
[[maybe_unused]] inline void store_rows(float* p, __m256 x, int64_t left) {
  if (left >= 8) return _mm256_storeu_ps(p, x);
  alignas(32) float all[8];
  _mm256_store_ps(all, x);
  if (left > 0) std::memcpy(p, all, size_t(left) * 4);
}
[[maybe_unused]] inline __m256 load_rows(const float* p, int64_t left) {
  if (left >= 8) return _mm256_loadu_ps(p);
  alignas(32) float all[8] = {};
  if (left > 0) std::memcpy(all, p, size_t(left) * 4);
  return _mm256_load_ps(all);
}

}  // namespace
}  // namespace nibble::cpu
