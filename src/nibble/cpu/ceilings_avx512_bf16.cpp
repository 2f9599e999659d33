#include <immintrin.h>

#include "nibble/cpu/ceilings_loops.h"

namespace nibble::cpu {

uint64_t avx512_bf16_dot(int64_t rounds) {
  __m512i x = _mm512_set1_epi16(0x3c00), w = _mm512_set1_epi16(0x3f80);  // 2^-7 and 1
  __asm__ volatile("" : "+v"(x), "+v"(w));
  __m512 acc[16] = {};
#pragma GCC unroll 16
  for (int j = 0; j < 16; ++j) __asm__ volatile("" : "+v"(acc[j]));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < 16; ++j) acc[j] = _mm512_dpbf16_ps(acc[j], (__m512bh)x, (__m512bh)w);
  }
  __m512 sum = acc[0];
  for (int j = 1; j < 16; ++j) sum = _mm512_add_ps(sum, acc[j]);
  return uint64_t(_mm512_reduce_add_ps(sum));
}

}  // namespace nibble::cpu
