// Rows of NVFP4 as checkpoints have them, for integer products with panels. For files compiled for
// AVX2 or AVX-512.
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "nibble/numerics/fp8.h"

namespace nibble::cpu {
namespace {

// What a kernel adds to twice a value of w, because its multiplications want w unsigned: 0..24. It
// comes off again as 12 times the sum of the block's x.
constexpr int kUnsignedBy = 12;

// A row of `blocks` blocks of 16, and `padded` with zeros behind: twice the values in order, 12
// times their sums with the sign turned, and the scales.
[[maybe_unused]] inline void unpack_nvfp4_row(const uint8_t* codes, const e4m3* scales,
                                              int64_t blocks, int64_t padded, int8_t* values,
                                              int32_t* sums, float* block_scales) {
  const __m128i table = _mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
  const __m128i nibble = _mm_set1_epi8(15);
  for (int64_t b = 0; b < padded; ++b) {
    __m128i v = _mm_setzero_si128();
    if (b < blocks) {
      const __m128i x = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + 8 * b));
      const __m128i even = _mm_and_si128(x, nibble);
      const __m128i odd = _mm_and_si128(_mm_srli_epi16(x, 4), nibble);
      v = _mm_shuffle_epi8(table, _mm_unpacklo_epi8(even, odd));
    }
    _mm_store_si128(reinterpret_cast<__m128i*>(values + 16 * b), v);
    // Sums of 4 neighbours, at most 48, then of all.
    __m128i s = _mm_madd_epi16(_mm_maddubs_epi16(_mm_set1_epi8(1), v), _mm_set1_epi16(1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    sums[b] = -kUnsignedBy * _mm_cvtsi128_si32(s);
    block_scales[b] = b < blocks ? to_float(scales[b]) : 0;
  }
}

}  // namespace
}  // namespace nibble::cpu
