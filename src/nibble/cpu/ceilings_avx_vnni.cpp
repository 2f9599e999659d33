#include <immintrin.h>

#include "nibble/cpu/ceilings_loops.h"

namespace nibble::cpu {
namespace {

// By name: sums as __m256i, 4 int64 to the compiler, are stored in every round where what follows
// takes them for int32 (GCC 12).
using Sums = int32_t __attribute__((vector_size(32)));

inline uint64_t fold(__m256i v) {
  return uint64_t(_mm256_extract_epi64(v, 0) ^ _mm256_extract_epi64(v, 3));
}
inline Sums dot(Sums sum, __m256i x, __m256i w) {
  return Sums(_mm256_dpbusd_avx_epi32(__m256i(sum), x, w));
}

// What a block-scaled product issues for 8 rows and one token, all operands in registers: kDots
// dot products of 32 bytes summed as integers from zero, a conversion, and an FMA with the block's
// scale. Eight of them, two in turns, cover the latencies.
template <int kDots>
inline uint64_t scaled_blocks(int64_t rounds) {
  __m256 acc[8] = {}, scale = _mm256_set1_ps(0.5f);
  __m256i x = _mm256_set1_epi8(3), w = _mm256_set1_epi8(-5);
  __asm__ volatile("" : "+x"(x), "+x"(w), "+x"(scale));
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) __asm__ volatile("" : "+x"(acc[j]));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; j += 2) {
      Sums sum[2] = {};
      __asm__ volatile("" : "+x"(sum[0]), "+x"(sum[1]));  // not the neighbour's
#pragma GCC unroll 8
      for (int d = 0; d < kDots; ++d) sum[0] = dot(sum[0], x, w), sum[1] = dot(sum[1], x, w);
      for (int s = 0; s < 2; ++s)
        acc[j + s] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(__m256i(sum[s])), scale, acc[j + s]);
    }
  }
  __m256 sum = acc[0];
  for (int j = 1; j < 8; ++j) sum = _mm256_add_ps(sum, acc[j]);
  return fold(_mm256_castps_si256(sum));
}

}  // namespace

// Twelve chains: two ports times five cycles, and room to spare in 16 registers.
uint64_t avx_vnni_int8(int64_t rounds) {
  Sums acc[12] = {};
  __m256i x = _mm256_set1_epi8(3), w = _mm256_set1_epi8(-5);
  __asm__ volatile("" : "+x"(x), "+x"(w));
#pragma GCC unroll 12
  for (int j = 0; j < 12; ++j) __asm__ volatile("" : "+x"(acc[j]));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < 12; ++j) acc[j] = dot(acc[j], x, w);
  }
  Sums sum = acc[0];
  for (int j = 1; j < 12; ++j) sum += acc[j];
  return fold(__m256i(sum));
}

// Blocks of 16 columns need four dwords a row, blocks of 32 need eight.
uint64_t avx_vnni_nvfp4_mix(int64_t rounds) { return scaled_blocks<4>(rounds); }
uint64_t avx_vnni_mxfp4_mix(int64_t rounds) { return scaled_blocks<8>(rounds); }

}  // namespace nibble::cpu
