// numerics/s8.h for 16 floats. For files compiled for AVX-512 only.
#pragma once
#include <immintrin.h>

namespace nibble::cpu {
namespace {

// The clamp comes first: the conversion's own saturation would give -128.
inline __m512i to_s8_epi32(__m512 x) {
  const __m512 low = _mm512_max_ps(x, _mm512_set1_ps(-127.0f));
  return _mm512_cvt_roundps_epi32(_mm512_min_ps(low, _mm512_set1_ps(127.0f)),
                                  _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

inline __m128i to_s8(__m512 x) { return _mm512_cvtepi32_epi8(to_s8_epi32(x)); }

// Lanes of the last vector of a row: all, or the `left` that exist.
inline __mmask16 lanes(int64_t left) {
  return left >= 16 ? __mmask16(0xffff) : __mmask16((1 << left) - 1);
}

}  // namespace
}  // namespace nibble::cpu
