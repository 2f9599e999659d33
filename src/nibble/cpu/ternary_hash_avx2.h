// numerics/ternary_hash.h, 4 elements at a time. For files compiled for AVX2 only.
#pragma once
#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace nibble::cpu {
namespace {

// The low 64 bits of x * factor from three 32-bit products; AVX2 has no 64-bit multiply.
inline __m256i multiply64(__m256i x, uint64_t factor) {
  const __m256i f = _mm256_set1_epi64x(int64_t(factor));
  const __m256i f_high = _mm256_set1_epi64x(int64_t(factor >> 32));
  const __m256i cross =
      _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(x, 32), f), _mm256_mul_epu32(x, f_high));
  return _mm256_add_epi64(_mm256_mul_epu32(x, f), _mm256_slli_epi64(cross, 32));
}

template <int Shift>
inline __m256i stir(__m256i x, uint64_t factor) {
  return multiply64(_mm256_xor_si256(x, _mm256_srli_epi64(x, Shift)), factor);
}

// count + [byte >= 85] + [byte >= 170]; a comparison gives -1 where it holds.
inline __m256i count_thresholds(__m256i count, __m256i random) {
  const __m256i byte = _mm256_and_si256(random, _mm256_set1_epi64x(255));
  count = _mm256_sub_epi64(count, _mm256_cmpgt_epi64(byte, _mm256_set1_epi64x(84)));
  return _mm256_sub_epi64(count, _mm256_cmpgt_epi64(byte, _mm256_set1_epi64x(169)));
}

inline __m256i ternary_noise4(uint64_t seed, uint64_t first, int terms) {
  const uint64_t offset = first + 0x9E3779B97F4A7C15u + (seed << 6) + (seed >> 2);
  __m256i x = _mm256_add_epi64(_mm256_set_epi64x(3, 2, 1, 0), _mm256_set1_epi64x(int64_t(offset)));
  x = _mm256_xor_si256(x, _mm256_set1_epi64x(int64_t(seed)));
  x = stir<33>(stir<33>(x, 0xFF51AFD7ED558CCDu), 0xC4CEB9FE1A85EC53u);
  x = _mm256_xor_si256(x, _mm256_srli_epi64(x, 33));
  if (terms == 0) return count_thresholds(_mm256_set1_epi64x(-1), x);
  __m256i sum = _mm256_set1_epi64x(-terms);
  for (int i = 0; i < terms; ++i) {
    x = _mm256_add_epi64(x, _mm256_set1_epi64x(int64_t(0x9E3779B97F4A7C15u)));
    __m256i z = stir<27>(stir<30>(x, 0xBF58476D1CE4E5B9u), 0x94D049BB133111EBu);
    sum = count_thresholds(sum, _mm256_xor_si256(z, _mm256_srli_epi64(z, 31)));
  }
  return sum;
}

// out[i] = ternary_noise(seed, first + i, terms) for i in [0, n).
inline void fill_ternary_noise(uint64_t seed, uint64_t first, int64_t n, int terms, int8_t* out) {
  // The low byte of each 64-bit lane, to the bottom of its half.
  const __m256i pick =
      _mm256_setr_epi8(0, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 8, -1, -1,
                       -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  for (int64_t i = 0; i < n; i += 4) {
    const __m256i b = _mm256_shuffle_epi8(ternary_noise4(seed, first + uint64_t(i), terms), pick);
    const uint32_t four =
        uint32_t(_mm256_extract_epi16(b, 0) & 0xffff) | uint32_t(_mm256_extract_epi16(b, 8)) << 16;
    std::memcpy(out + i, &four, size_t(n - i >= 4 ? 4 : n - i));
  }
}

}  // namespace
}  // namespace nibble::cpu
