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
void fp4_pack_tile(S8Tokens rows, int tokens, int blocks, uint8_t* to) {
  for (int t = 0; t < tokens; ++t) {
    const int8_t* x = rows.from(t, 0).x;
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

// A block as twice its values; none where its scale is 0, all with the other sign where that is
// negative: what is left of the scale is a positive number.
[[gnu::always_inline]] inline __m128i fp4_doubled(const e2m1x2* codes, e4m3 scale) {
  const __m128i table = _mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
  const __m128i nibble = _mm_set1_epi8(15);
  const __m128i sign = _mm_set1_epi8(char(scale.bits >> 7 << 3));
  const __m128i none = _mm_set1_epi8(char((scale.bits & 0x7f) == 0 ? 0xff : 0));
  const __m128i pairs = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes));
  const __m128i each = _mm_unpacklo_epi8(_mm_and_si128(pairs, nibble),
                                         _mm_and_si128(_mm_srli_epi16(pairs, 4), nibble));
  return _mm_andnot_si128(none, _mm_shuffle_epi8(table, _mm_xor_si128(each, sign)));
}
// factors[i] are the four bytes that a kernel wants for the scale i.
template <class F>
void fp4_pack_tile(Nvfp4Tokens rows, int tokens, int blocks, const uint32_t* factors, uint8_t* to) {
  for (int t = 0; t < tokens; ++t) {
    const Nvfp4Tokens x = rows.from(t, 0);
    uint8_t* p = to;
    for (int b = 0; b < blocks; ++b, p += F::token_bytes(tokens)) {
      const __m128i v = fp4_doubled(x.x + 8 * b, x.scales[b]);
      const int32_t start = fp4_start(v);
      std::memcpy(p + 4 * t, &start, 4);
      std::memcpy(p + 4 * (tokens + t), factors + (x.scales[b].bits & 0x7f), 4);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p + F::kTokenHead * tokens + F::kBlock * t), v);
    }
  }
}

}  // namespace
}  // namespace nibble::cpu
