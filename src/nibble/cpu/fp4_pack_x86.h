// Tokens for fp4_s8.h, for files compiled for AVX2 or AVX-512.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/fp4_s8.h"

namespace nibble::cpu {
namespace {

// -12 times the sum of 16 int8: biased to unsigned they add up in vpsadbw.
[[gnu::always_inline]] inline int32_t fp4_start(__m128i x) {
  const __m128i biased = _mm_xor_si128(x, _mm_set1_epi8(char(0x80)));
  const __m128i halves = _mm_sad_epu8(biased, _mm_setzero_si128());
  const int32_t sum = _mm_cvtsi128_si32(halves) + _mm_extract_epi16(halves, 4);
  return -kFp4Offset * (sum - 16 * 128);
}

template <class F>
void fp4_pack_tile(const int8_t* x, int64_t ldx, int tokens, int blocks, uint8_t* to) {
  for (int t = 0; t < tokens; ++t, x += ldx) {
    uint8_t* p = to;
    for (int b = 0; b < blocks; ++b, p += F::token_bytes(tokens)) {
      int32_t start = 0;
      for (int i = 0; i < F::kBlock; i += 16) {
        const auto v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + b * F::kBlock + i));
        start += fp4_start(v);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 4 * tokens + F::kBlock * t + i), v);
      }
      std::memcpy(p + 4 * t, &start, 4);
    }
  }
}

}  // namespace
}  // namespace nibble::cpu
