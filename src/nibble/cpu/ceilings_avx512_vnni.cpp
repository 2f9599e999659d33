#include <immintrin.h>

#include "nibble/cpu/ceilings_loops.h"

namespace nibble::cpu {
namespace {

// What a block-scaled GEMM issues for a tile of 16 rows and one token, all operands in registers:
// kDots dot products of 64 bytes summed as integers from zero, a conversion, and an FMA with the
// block's scale. Eight tiles side by side, so that every latency is covered.
template <int kDots>
inline uint64_t scaled_blocks(int64_t rounds) {
  __m512 acc[8] = {}, scale = _mm512_set1_ps(0.5f);
  __m512i x = _mm512_set1_epi8(3), w = _mm512_set1_epi8(-5);
  __asm__ volatile("" : "+v"(x), "+v"(w), "+v"(scale));
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) __asm__ volatile("" : "+v"(acc[j]));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      __m512i sum = _mm512_setzero_si512();
      __asm__ volatile("" : "+v"(sum));  // not the neighbour's sum
#pragma GCC unroll 8
      for (int d = 0; d < kDots; ++d) sum = _mm512_dpbusd_epi32(sum, x, w);
      acc[j] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, acc[j]);
    }
  }
  __m512 sum = acc[0];
  for (int j = 1; j < 8; ++j) sum = _mm512_add_ps(sum, acc[j]);
  return uint64_t(_mm512_reduce_add_epi64(_mm512_castps_si512(sum)));
}

}  // namespace

// Blocks of 16 columns need four dwords a row, blocks of 32 need eight.
uint64_t avx512_vnni_nvfp4_mix(int64_t rounds) { return scaled_blocks<4>(rounds); }
uint64_t avx512_vnni_mxfp4_mix(int64_t rounds) { return scaled_blocks<8>(rounds); }

uint64_t avx512_vnni_int8(int64_t rounds) {
  __m512i acc[16] = {}, x = _mm512_set1_epi8(3), w = _mm512_set1_epi8(-5);
  __asm__ volatile("" : "+v"(x), "+v"(w));
#pragma GCC unroll 16
  for (int j = 0; j < 16; ++j) __asm__ volatile("" : "+v"(acc[j]));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < 16; ++j) acc[j] = _mm512_dpbusd_epi32(acc[j], x, w);
  }
  __m512i sum = acc[0];
  for (int j = 1; j < 16; ++j) sum = _mm512_add_epi32(sum, acc[j]);
  return uint64_t(_mm512_reduce_add_epi64(sum));
}

}  // namespace nibble::cpu
