// Tiles of s8_tile.h by vpdpbusd. Included by cpu_avx512_vnni.cpp of ops only.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/s8_tile.h"

namespace nibble::cpu {
namespace {

// 16 int32 by name: as __m512i, which is 8 int64 to the compiler, sums are copied and spilled at
// every step where what follows the loop takes them for int32 (GCC 12).
using S8Sums = int32_t __attribute__((vector_size(64)));

// vpdpbusd multiplies unsigned by signed bytes: a code is read as code + 128, and the sums begin at
// what that adds, subtracted. `Biased` rows have been rewritten so beforehand; of the others each
// word is changed as it is read, which is as much work again for every tile.
template <bool Biased>
struct S8Words {
  static __m512i word(const int8_t* p) {
    uint32_t word;
    std::memcpy(&word, p, 4);
    return broadcast(word);
  }
  static __m512i last(const int8_t* p, int count) { return broadcast(s8_last_word(p, count)); }
  static __m512i broadcast(uint32_t word) {
    return _mm512_set1_epi32(int32_t(Biased ? word : word ^ 0x80808080u));
  }
};

inline constexpr int64_t kS8BiasedBytes = 64 << 10;

// f(S8Words, rows): with `size` bytes of rows biased on the stack where they fit, or as they are.
template <class F>
void with_s8_words(const int8_t* x, int64_t size, F f) {
  if (size > kS8BiasedBytes) return f(S8Words<false>(), x);
  alignas(64) int8_t biased[kS8BiasedBytes];
  const __m512i flip = _mm512_set1_epi8(char(0x80));
  int64_t i = 0;
  for (; i + 64 <= size; i += 64)
    _mm512_store_si512(biased + i, _mm512_xor_si512(_mm512_loadu_si512(x + i), flip));
  for (; i < size; ++i) biased[i] = int8_t(x[i] ^ 0x80);
  f(S8Words<true>(), static_cast<const int8_t*>(biased));
}

// acc[r][p]: sums of row r with panel p. With a tail, quarter r of it has the sums of row r with
// the first four columns of the panel behind those: one vpdpbusd for four rows.
//
// Loops over rows and panels are unrolled by pragma: -O2 alone keeps the sums in memory, which
// costs more than half of the speed.
template <bool kTail, class Words, class Rows, int R, int P>
[[gnu::always_inline]] inline void s8_tile(Words, const S8Panels& b, const Rows& x,
                                           S8Sums (&acc)[R][P], S8Sums& tail) {
  static_assert(!kTail || R == 4);
  const auto four = [](const void* p) __attribute__((always_inline)) {
    return _mm512_broadcast_i32x4(_mm_load_si128(static_cast<const __m128i*>(p)));
  };
  const __m512i zero = _mm512_setzero_si512();
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    const auto start = S8Sums(_mm512_sub_epi32(zero, _mm512_load_si512(b.sums + p * kS8Panel)));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) acc[r][p] = start;
  }
  if constexpr (kTail) tail = S8Sums(_mm512_sub_epi32(zero, four(b.sums + P * kS8Panel)));
  const auto step = [&](int q, auto load) __attribute__((always_inline)) {
    const int8_t* line = b.first + q * kS8Line;
    __m512i w[P], quarters;
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) w[p] = _mm512_load_si512(line + p * b.bytes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const __m512i v = load(x.at(r) + q * kS8Block);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p)
        acc[r][p] = S8Sums(_mm512_dpbusd_epi32(__m512i(acc[r][p]), v, w[p]));
      if constexpr (kTail)
        quarters = r == 0 ? v : _mm512_mask_mov_epi32(quarters, __mmask16(15 << 4 * r), v);
    }
    if constexpr (kTail)
      tail = S8Sums(_mm512_dpbusd_epi32(__m512i(tail), quarters, four(line + P * b.bytes)));
  };
  const int blocks = b.k / kS8Block, rest = b.k % kS8Block;
  const auto word = [](const int8_t* p) __attribute__((always_inline)) { return Words::word(p); };
  int q = 0;
  for (; q + 4 <= blocks; q += 4) {
    step(q, word);
    step(q + 1, word);
    step(q + 2, word);
    step(q + 3, word);
  }
  for (; q < blocks; ++q) step(q, word);
  if (rest) step(blocks, [&](const int8_t* p) { return Words::last(p, rest); });
}

}  // namespace
}  // namespace nibble::cpu
