// Ternary weights in bytes to the codes of numerics/ternary.h. For files compiled for AVX2 or more.
#pragma once
#include <immintrin.h>

#include <cstdint>

namespace nibble::cpu {
namespace {

// Of 16 bytes -1, 0, 1 the four bytes of ternary_x4: pairs c0 + 4 c1, then pairs of those, p0 + 16
// p1, at most 2 * 85 and so a byte.
inline uint32_t two_bit_codes(__m128i w) {
  const __m128i codes = _mm_add_epi8(w, _mm_set1_epi8(1));
  const __m128i pairs = _mm_maddubs_epi16(codes, _mm_set1_epi16(4 << 8 | 1));
  const __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(16 << 16 | 1));
  const __m128i first_bytes = _mm_set1_epi32(0x0c080400);
  return uint32_t(_mm_cvtsi128_si32(_mm_shuffle_epi8(fours, first_bytes)));
}

}  // namespace
}  // namespace nibble::cpu
