// Tiles of s8_tile.h for ISAs of 256 bits: one panel of two registers. Included
// by cpu_avx2.cpp and cpu_avx_vnni.cpp of ops only.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/s8_tile.h"

namespace nibble::cpu {
namespace {

// By vpmaddubsw and vpmaddwd. |x| * sign(w, x) = x * w, and |x| fits the
// unsigned operand. A pair sum is at most 2 * 127 * 127 = 32258, so vpmaddubsw
// does not saturate.
struct S8WordsDot {
  // What the sums of 8 columns begin at, whose own sums these are.
  static __m256i start(const int32_t*) { return _mm256_setzero_si256(); }
  static __m256i word(uint32_t codes) { return _mm256_set1_epi32(int32_t(codes)); }
  static __m256i add(__m256i sum, __m256i x, __m256i w) {
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(w, x));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

// R <= 4 by words: 4 rows x 2 accumulators, 2 for b, 2 for temporaries: 14 of
// 16 registers.
template <class Dot = S8WordsDot, class Rows, int R>
[[gnu::always_inline]] inline void s8_tile(const S8Panels& b, const Rows& x, I16 (&sums)[R]) {
  __m256i acc[R][2];
  unrolled<R>([&](auto r) __attribute__((always_inline)) {
    acc[r][0] = Dot::start(b.sums), acc[r][1] = Dot::start(b.sums + 8);
  });
  const auto step = [&](int q, auto load) __attribute__((always_inline)) {
    const auto* w = reinterpret_cast<const __m256i*>(b.first + q * kS8Line);
    const __m256i w0 = _mm256_load_si256(w), w1 = _mm256_load_si256(w + 1);
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      const __m256i v = Dot::word(load(x.at(r) + q * kS8Block));
      acc[r][0] = Dot::add(acc[r][0], v, w0);
      acc[r][1] = Dot::add(acc[r][1], v, w1);
    });
  };
  const int blocks = b.k / kS8Block, rest = b.k % kS8Block;
  for (int q = 0; q < blocks; ++q)
    step(q, [](const int8_t* p) {
      uint32_t word;
      std::memcpy(&word, p, 4);
      return word;
    });
  if (rest) step(blocks, [&](const int8_t* p) { return s8_last_word(p, rest); });
  unrolled<R>([&](auto r) __attribute__((always_inline)) { sums[r] = {acc[r][0], acc[r][1]}; });
}

}  // namespace
}  // namespace nibble::cpu
