// The kernel of fp4_s8.h for files compiled for AVX2.
//
// A register holds one dword, 4 consecutive columns, of each of 8 rows: half of what panels of 16
// rows have side by side. Halves are multiplied one after the other, since 16 registers hold the
// sums of 8 tokens for one of them. Codes are looked up by vpshufb; up to four vpmaddubsw are added
// in int16 (at most 4 * 2 * 24 * 128 = 24576) and widened by one vpmaddwd.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/fp4_pack_x86.h"
#include "nibble/cpu/fp4_s8.h"
#include "nibble/cpu/math_avx2.h"

namespace nibble::cpu {
namespace {

struct Fp4Avx2 {
  using Lanes = F32x16;
  // Sums, and one quad of codes a register: 8 and 4, or 4 and 8, of 16.
  template <class F>
  static constexpr int kFew = F::kBlock == 16 ? 8 : 4;
  template <class F>
  static constexpr int kMany = kFew<F>;
  template <class F>
  static constexpr int kReadAgain = 16;
  // What sums are multiplied with: e4m3 factors come as fp16 bits, times 2^-8, or lifted.
  template <class F>
  static constexpr float kUnit = F::kOfDoubled*(F::kTokenScales   ? 0x1p105f
                                                : F::kBlock == 16 ? 0x1p8f
                                                                  : 1);

  alignas(32) static constexpr auto kCodes = fp4_repeated_codes<2>();
  static constexpr int kTilesAtATime = 8;  // before the other half of them

  template <class F>
  static void pack(S8Rows x, int tokens, int blocks, bool, uint8_t* to) {
    fp4_pack_tile<F>(x, tokens, blocks, to);
  }
  static constexpr auto kTokenFactors = fp4_token_factors(1);
  template <class F>
  static void pack(Nvfp4Rows x, int tokens, int blocks, bool, uint8_t* to) {
    fp4_pack_tile<F>(x, tokens, blocks, kTokenFactors.data(), to);
  }

  // The factors of 8 rows for the four blocks of a tile, from 4 bytes of each row. As fp16 the
  // bytes are exact, subnormal or not, and their conversion to float has no slow cases.
  [[gnu::always_inline]] static void scales(Nvfp4Panels, __m256i bytes, __m256 (&to)[4]) {
    const __m256i words = _mm256_set1_epi16(short(0xbf80));  // sign; 4 and 3 bits
    const __m256i nan = _mm256_set1_epi8(0x7f);
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      // Byte 2 i of four rows to the upper bytes of four words, then byte 2 i + 1.
      const int a = 2 * i, b = a + 1;
      const __m256i pick =
          _mm256_setr_epi8(-1, char(a), -1, char(a + 4), -1, char(a + 8), -1, char(a + 12), -1,
                           char(b), -1, char(b + 4), -1, char(b + 8), -1, char(b + 12), -1, char(a),
                           -1, char(a + 4), -1, char(a + 8), -1, char(a + 12), -1, char(b), -1,
                           char(b + 4), -1, char(b + 8), -1, char(b + 12));
      const __m256i upper = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(bytes, pick), 0xd8);
      const __m256i halves = _mm256_and_si256(_mm256_srai_epi16(upper, 1), words);
      to[a] = _mm256_cvtph_ps(_mm256_castsi256_si128(halves));
      to[b] = _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1));
    }
    const __m256i is_nan = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, nan), nan);
    if (!_mm256_testz_si256(is_nan, is_nan)) [[unlikely]]
      put_nan(is_nan, to);
  }
  // What encoders write beside a token's scales, 0x08 to 0x7e, is quicker to have as bits of a
  // float: plus 120 a code of these, and no other, is 128 to 246 without a carry, five bits of
  // exponent and three of fraction for bits 27 to 20. Codes of blocks 0 and 2, and of 1 and 3,
  // become the upper bytes of words: 12 bits up, the first of a dword is there and the second gone;
  // a product's upper half has the second 4 bits down and nothing of the first.
  static constexpr float kLifted = 0x1p-105f;
  [[gnu::always_inline]] static void scales(Nvfp4Pairs, __m256i bytes, __m256 (&to)[4]) {
    const __m256i second = _mm256_set1_epi32(0x10000000), upper = _mm256_set1_epi16(short(0xff00));
    const __m256i codes = _mm256_add_epi8(bytes, _mm256_set1_epi8(120));
    const __m256i even = _mm256_slli_epi16(codes, 8), odd = _mm256_and_si256(codes, upper);
    to[0] = _mm256_castsi256_ps(_mm256_slli_epi32(even, 12));
    to[1] = _mm256_castsi256_ps(_mm256_slli_epi32(odd, 12));
    to[2] = _mm256_castsi256_ps(_mm256_mulhi_epu16(even, second));
    to[3] = _mm256_castsi256_ps(_mm256_mulhi_epu16(odd, second));
    // As signed numbers -128 to -10: negative with 9 added, and no other is.
    if (_mm256_movemask_epi8(_mm256_adds_epi8(codes, _mm256_set1_epi8(9))) != -1) [[unlikely]]
      odd_scales(bytes, to);
  }
  [[gnu::noinline, gnu::cold]] static void odd_scales(__m256i bytes, __m256 (&to)[4]) {
    scales(Nvfp4Panels(), bytes, to);
    for (__m256& scale : to) scale = _mm256_mul_ps(scale, _mm256_set1_ps(0x1p8f * kLifted));
  }
  // Byte j of the mask says which factors of block j are NaN.
  static void put_nan(__m256i mask, __m256 (&to)[4]) {
    for (int j = 0; j < 4; ++j) {
      const __m256i sign = _mm256_sll_epi32(mask, _mm_cvtsi32_si128(24 - 8 * j));
      to[j] = _mm256_blendv_ps(to[j], _mm256_castsi256_ps(_mm256_set1_epi32(int(kFp4Nan))),
                               _mm256_castsi256_ps(sign));
    }
  }
  [[gnu::always_inline]] static void scales(Mxfp4Panels, __m256i bytes, __m256 (&to)[4]) {
    const __m256i field = _mm256_set1_epi32(0x7f800000);
    const __m256i least = _mm256_set1_epi32(0x00400000);  // 2^-127, the value of byte 0
    const __m256i s[4] = {_mm256_slli_epi32(bytes, 23), _mm256_slli_epi32(bytes, 15),
                          _mm256_slli_epi32(bytes, 7), _mm256_srli_epi32(bytes, 1)};
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j)
      to[j] = _mm256_castsi256_ps(_mm256_max_epi32(_mm256_and_si256(s[j], field), least));
    const __m256i is_nan = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(-1));
    if (!_mm256_testz_si256(is_nan, is_nan)) [[unlikely]]
      put_nan(is_nan, to);
  }

  [[gnu::always_inline]] static __m256i load(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  [[gnu::always_inline]] static __m256i broadcast(const uint8_t* p) {
    int32_t word;
    std::memcpy(&word, p, 4);
    return _mm256_set1_epi32(word);
  }
  // A block's quads of columns, each 8 rows, from half of its registers of codes.
  template <class F>
  [[gnu::always_inline]] static void decode(const uint8_t* codes, __m256i table,
                                            __m256i (&w)[F::kQuads]) {
    const __m256i low = _mm256_set1_epi8(15);
#pragma GCC unroll 4
    for (int i = 0; i < F::kQuads / 2; ++i) {
      const __m256i v = load(codes + 64 * i);
      w[2 * i] = _mm256_shuffle_epi8(table, _mm256_and_si256(v, low));
      w[2 * i + 1] = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), low));
    }
  }

  // T tokens of a block, for 8 rows.
  template <class F, int T>
  [[gnu::always_inline]] static void block(const __m256i (&w)[F::kQuads], __m256 scale,
                                           const uint8_t* x, __m256 (&acc)[T]) {
    const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) {
      __m256i sum = broadcast(x + 4 * t);
#pragma GCC unroll 2
      for (int half = 0; half < F::kQuads / 4; ++half) {
        __m256i pairs[4];
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q)
          pairs[q] = _mm256_maddubs_epi16(
              w[4 * half + q],
              broadcast(x + F::kTokenHead * T + F::kBlock * t + 16 * half + 4 * q));
        const __m256i all = _mm256_add_epi16(_mm256_add_epi16(pairs[0], pairs[1]),
                                             _mm256_add_epi16(pairs[2], pairs[3]));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(all, ones));
      }
      __m256 exact = _mm256_cvtepi32_ps(sum);
      if constexpr (F::kTokenScales)
        exact = _mm256_mul_ps(exact, _mm256_castsi256_ps(broadcast(x + 4 * (T + t))));
      acc[t] = _mm256_fmadd_ps(exact, scale, acc[t]);
    }
  }
  template <int T>
  [[gnu::always_inline]] static void load_sums(const float* sums, int stride, __m256 (&acc)[T]) {
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) acc[t] = _mm256_loadu_ps(sums + stride * t);
  }
  template <int T>
  [[gnu::always_inline]] static void store_sums(const __m256 (&acc)[T], float* sums, int stride) {
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) _mm256_storeu_ps(sums + stride * t, acc[t]);
  }

  // The tiles of `blocks` blocks, kHalves halves of a panel from `half` on.
  template <class F, int T, int kHalves>
  static void few_halves(const uint8_t* tile, const uint8_t* x, int blocks, int half, float* sums) {
    const __m256i table = _mm256_load_si256(reinterpret_cast<const __m256i*>(kCodes.data()));
    tile += 32 * half, sums += 8 * half;
    __m256 acc[kHalves][T];
#pragma GCC unroll 2
    for (int h = 0; h < kHalves; ++h) load_sums<T>(sums + 8 * h, 16, acc[h]);
    const auto next = [&](const uint8_t* at, __m256 scale, int h) __attribute__((always_inline)) {
      __m256i w[F::kQuads];
      decode<F>(at + 32 * h, table, w);
      block<F, T>(w, scale, x, acc[h]);
    };
    for (; blocks >= 4; blocks -= 4, tile += F::kTileBytes) {
      __m256 scale[kHalves][4];
#pragma GCC unroll 20
      for (int line = kHalves == 1 ? 64 * half : 0; line < F::kTileBytes; line += 128 / kHalves)
        _mm_prefetch(reinterpret_cast<const char*>(tile) + kFp4Ahead + line, _MM_HINT_T0);
      if constexpr (F::kBlock == 16)
        _mm_prefetch(reinterpret_cast<const char*>(tile) + 2 * kFp4Ahead, _MM_HINT_T1);
#pragma GCC unroll 2
      for (int h = 0; h < kHalves; ++h) scales(F(), load(tile + 32 * h), scale[h]);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j, x += F::token_bytes(T))
#pragma GCC unroll 2
        for (int h = 0; h < kHalves; ++h) next(tile + 64 + j * F::kCodeBytes, scale[h][j], h);
    }
    if (blocks > 0) {
      __m256 scale[kHalves][4];
      for (int h = 0; h < kHalves; ++h) scales(F(), load(tile + 32 * h), scale[h]);
      for (int j = 0; j < blocks; ++j, x += F::token_bytes(T))
        for (int h = 0; h < kHalves; ++h) next(tile + 64 + j * F::kCodeBytes, scale[h][j], h);
    }
#pragma GCC unroll 2
    for (int h = 0; h < kHalves; ++h) store_sums<T>(acc[h], sums + 8 * h, 16);
  }
  template <class F, int T>
  static void few(const uint8_t* panel, const uint8_t* x, int blocks, float* sums) {
    std::fill_n(sums, 16 * T, 0.0f);
    if constexpr (T <= 2) return few_halves<F, T, 2>(panel, x, blocks, 0, sums);
    for (int b = 0; b < blocks; b += 4 * kTilesAtATime) {
      const int here = std::min(4 * kTilesAtATime, blocks - b);
      const uint8_t* tile = panel + b / 4 * F::kTileBytes;
      for (int half = 0; half < 2; ++half)
        few_halves<F, T, 1>(tile, x + F::token_bytes(T) * b, here, half, sums);
    }
  }

  template <class F, size_t P>
  static uint32_t unpack(const uint8_t* tile, int blocks, int p, uint8_t* to) {
    const __m256i table = _mm256_load_si256(reinterpret_cast<const __m256i*>(kCodes.data()));
    constexpr int kPanels = int(P);
    to += 64 * p;
    for (; blocks > 0; blocks -= 4, tile += F::kTileBytes, to += 4 * F::unpacked_bytes(kPanels))
      for (int half = 0; half < 2; ++half) {
        __m256 scale[4];
        scales(F(), load(tile + 32 * half), scale);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          __m256i w[F::kQuads];
          decode<F>(tile + 64 + 32 * half + j * F::kCodeBytes, table, w);
          uint8_t* at = to + j * F::unpacked_bytes(kPanels) + 32 * half;
#pragma GCC unroll 8
          for (int q = 0; q < F::kQuads; ++q)
            _mm256_store_si256(reinterpret_cast<__m256i*>(at + 64 * kPanels * q), w[q]);
          _mm256_store_ps(reinterpret_cast<float*>(at + 64 * kPanels * F::kQuads), scale[j]);
        }
      }
    return 0;
  }

  template <class F, size_t P, int T>
  static void many(const uint8_t* unpacked, const uint8_t* tokens, int blocks, float* sums) {
    constexpr int kPanels = int(P);
    for (int half = 0; half < 2 * kPanels; ++half) {
      const uint8_t *from = unpacked + 32 * half, *x = tokens;
      __m256 acc[T];
      load_sums<T>(sums + 8 * half, 16 * kPanels, acc);
      for (int b = 0; b < blocks; ++b) {
        __m256i w[F::kQuads];
#pragma GCC unroll 8
        for (int q = 0; q < F::kQuads; ++q) w[q] = load(from + 64 * kPanels * q);
        const __m256 scale =
            _mm256_load_ps(reinterpret_cast<const float*>(from + 64 * kPanels * F::kQuads));
        block<F, T>(w, scale, x, acc);
        from += F::unpacked_bytes(kPanels), x += F::token_bytes(T);
      }
      store_sums<T>(acc, sums + 8 * half, 16 * kPanels);
    }
  }
};

}  // namespace
}  // namespace nibble::cpu
