// numerics/s8.h for 8 floats, and rows of int8 in pieces of 8. For files compiled for AVX2.
#pragma once
#include <immintrin.h>

#include <cstring>

namespace nibble::cpu {
namespace {

// The clamp comes first: the packs below would saturate to -128. Rounds as MXCSR says, which is to
// nearest even unless the caller changed it.
inline __m256i to_s8_epi32(__m256 x) {
  const __m256 low = _mm256_max_ps(x, _mm256_set1_ps(-127.0f));
  return _mm256_cvtps_epi32(_mm256_min_ps(low, _mm256_set1_ps(127.0f)));
}

// 8 int32 in [-128, 127] to the low 8 bytes.
inline __m128i narrow_s8(__m256i x) {
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  return _mm_packs_epi16(words, words);
}

// Up to 8 elements; lanes beyond `left` are zero, and nothing behind them is touched.
inline __m256i load_s8(const int8_t* p, int64_t left) {
  int64_t bytes = 0;
  std::memcpy(&bytes, p, size_t(left < 8 ? left : 8));
  return _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(bytes));
}
inline void store_s8(int8_t* p, __m256i x, int64_t left) {
  const int64_t bytes = _mm_cvtsi128_si64(narrow_s8(x));
  std::memcpy(p, &bytes, size_t(left < 8 ? left : 8));
}
// All ones in the lanes below `left`.
inline __m256i lanes8(int64_t left) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(left < 8 ? left : 8)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

}  // namespace
}  // namespace nibble::cpu
