// numerics/ternary_hash.h, 8 elements at a time. For files compiled for AVX-512 only.
#pragma once
#include <immintrin.h>

#include <cstdint>

namespace nibble::cpu {
namespace {

// x * odd constant, after xor with its own upper bits: the step that both hashes repeat.
template <int Shift>
inline __m512i stir(__m512i x, uint64_t factor) {
  x = _mm512_xor_si512(x, _mm512_srli_epi64(x, Shift));
  return _mm512_mullo_epi64(x, _mm512_set1_epi64(int64_t(factor)));
}

// count + [byte >= 85] + [byte >= 170], where byte is the lowest of each lane of `random`.
inline __m512i count_thresholds(__m512i count, __m512i random) {
  const __m512i byte = _mm512_and_si512(random, _mm512_set1_epi64(255)), one = _mm512_set1_epi64(1);
  count = _mm512_mask_add_epi64(count, _mm512_cmpgt_epi64_mask(byte, _mm512_set1_epi64(84)), count,
                                one);
  return _mm512_mask_add_epi64(count, _mm512_cmpgt_epi64_mask(byte, _mm512_set1_epi64(169)), count,
                               one);
}

inline __m512i ternary_noise8(uint64_t seed, uint64_t first, int terms) {
  const uint64_t offset = first + 0x9E3779B97F4A7C15u + (seed << 6) + (seed >> 2);
  __m512i x = _mm512_add_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0),
                               _mm512_set1_epi64(int64_t(offset)));
  x = _mm512_xor_si512(x, _mm512_set1_epi64(int64_t(seed)));
  x = stir<33>(stir<33>(x, 0xFF51AFD7ED558CCDu), 0xC4CEB9FE1A85EC53u);
  x = _mm512_xor_si512(x, _mm512_srli_epi64(x, 33));
  if (terms == 0) return count_thresholds(_mm512_set1_epi64(-1), x);
  __m512i sum = _mm512_set1_epi64(-terms);
  for (int i = 0; i < terms; ++i) {
    x = _mm512_add_epi64(x, _mm512_set1_epi64(int64_t(0x9E3779B97F4A7C15u)));
    __m512i z = stir<27>(stir<30>(x, 0xBF58476D1CE4E5B9u), 0x94D049BB133111EBu);
    sum = count_thresholds(sum, _mm512_xor_si512(z, _mm512_srli_epi64(z, 31)));
  }
  return sum;
}

// out[i] = ternary_noise(seed, first + i, terms) for i in [0, n).
inline void fill_ternary_noise(uint64_t seed, uint64_t first, int64_t n, int terms, int8_t* out) {
  for (int64_t i = 0; i < n; i += 8) {
    const __mmask8 exist = n - i >= 8 ? 0xff : uint8_t((1 << (n - i)) - 1);
    _mm512_mask_cvtepi64_storeu_epi8(out + i, exist,
                                     ternary_noise8(seed, first + uint64_t(i), terms));
  }
}

}  // namespace
}  // namespace nibble::cpu
