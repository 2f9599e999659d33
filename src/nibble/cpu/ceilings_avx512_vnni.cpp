#include <immintrin.h>

#include "nibble/cpu/ceilings_loops.h"

namespace nibble::cpu {

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
