// The kernel of fp4_s8.h for files compiled for AVX2, and for AVX-VNNI (fp4_s8_avx_vnni.h) with
// another dot product.
//
// A register holds one dword, 4 consecutive columns, of each of 8 rows: half of what panels of 16
// rows have side by side. Halves are multiplied one after the other, since 16 registers hold the
// sums of 8 tokens for one of them. Codes are looked up by vpshufb.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/fp4_pack_x86.h"
#include "nibble/cpu/fp4_s8.h"
#include "nibble/cpu/math_avx2.h"

namespace nibble::cpu {
namespace {

[[gnu::always_inline]] inline __m256i fp4_broadcast(const uint8_t* p) {
  int32_t word;
  std::memcpy(&word, p, 4);
  return _mm256_set1_epi32(word);
}

// Sixteen columns of 8 rows and a token, added to `sum`: four vpmaddubsw are added in int16 (at
// most 4 * 2 * 24 * 128 = 24576) and widened by one vpmaddwd.
struct Fp4WordsDot {
  [[gnu::always_inline]] static __m256i sixteen(__m256i sum, const __m256i* w, const uint8_t* x) {
    __m256i pairs[4];
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) pairs[q] = _mm256_maddubs_epi16(w[q], fp4_broadcast(x + 4 * q));
    const __m256i all = _mm256_add_epi16(_mm256_add_epi16(pairs[0], pairs[1]),
                                         _mm256_add_epi16(pairs[2], pairs[3]));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(all, _mm256_set1_epi16(1)));
  }
};

// Factors of e4m3 are this times theirs: normal floats, if the scale is not.
constexpr float kFp4Lifted = 0x1p-105f;

// What makes zero and subnormal scales of codes + 120, by the lower four bits of these; the others,
// whose bit 7 is set, vpshufb gives 0.
constexpr std::array<uint8_t, 32> fp4_least_scales() {
  std::array<uint8_t, 32> table{};
  for (int code = 0; code < 8; ++code) {
    const uint32_t bits = float_bits(to_float(e4m3{uint8_t(code)}) * kFp4Lifted);
    table[size_t(8 + code)] = table[size_t(24 + code)] = uint8_t((bits >> 20) ^ (code + 120));
  }
  return table;
}

template <class Dot>
struct Fp4Ymm {
  using Lanes = F32x16;
  // Sums, and one quad of codes a register: 8 and 4, or 4 and 8, of 16.
  template <class F>
  static constexpr int kFew = F::kBlock == 16 ? 8 : 4;
  template <class F>
  static constexpr int kMany = kFew<F>;
  template <class F>
  static constexpr int kReadAgain = 16;
  // What sums are multiplied with.
  template <class F>
  static constexpr float kUnit = F::kOfDoubled*(F::kBlock == 16 ? 1 / kFp4Lifted : 1);

  alignas(32) static constexpr auto kCodes = fp4_repeated_codes<2>();
  alignas(32) static constexpr auto kLeastScales = fp4_least_scales();
  static constexpr int kTilesAtATime = 8;  // before the other half of them

  template <class F>
  static void pack(S8Tokens x, int tokens, int blocks, bool, uint8_t* to) {
    fp4_pack_tile<F>(x, tokens, blocks, to);
  }
  static constexpr auto kTokenFactors = fp4_token_factors(1);
  template <class F>
  static void pack(Nvfp4Tokens x, int tokens, int blocks, bool, uint8_t* to) {
    fp4_pack_tile<F>(x, tokens, blocks, kTokenFactors.data(), to);
  }

  // The factors of 8 rows for the four blocks of a tile, from 4 bytes of each row. Plus 120 a code
  // of 8 to 0x7e is 128 to 246, five bits of exponent and three of fraction for a float's bits 27
  // to 20; a lesser one is 120 to 127, which looks up what to change. Codes of blocks 0 and 2, and
  // of 1 and 3, become the upper bytes of words: 12 bits up, the first of a dword is there and the
  // second gone; a product's upper half has the second 4 bits down and nothing of the first.
  template <class F>
  requires(F::kBlock == 16)
      [[gnu::always_inline]] static void scales(F, __m256i bytes, __m256 (&to)[4]) {
    const __m256i second = _mm256_set1_epi32(0x10000000), upper = _mm256_set1_epi16(short(0xff00));
    const __m256i plus = _mm256_add_epi8(bytes, _mm256_set1_epi8(120));
    const __m256i codes =
        _mm256_xor_si256(plus, _mm256_shuffle_epi8(load(kLeastScales.data()), plus));
    const __m256i even = _mm256_slli_epi16(codes, 8), odd = _mm256_and_si256(codes, upper);
    to[0] = _mm256_castsi256_ps(_mm256_slli_epi32(even, 12));
    to[1] = _mm256_castsi256_ps(_mm256_slli_epi32(odd, 12));
    to[2] = _mm256_castsi256_ps(_mm256_mulhi_epu16(even, second));
    to[3] = _mm256_castsi256_ps(_mm256_mulhi_epu16(odd, second));
    // Encoders write neither signs nor NaN.
    const __m256i above = _mm256_add_epi8(bytes, _mm256_set1_epi8(1));
    if (_mm256_movemask_epi8(_mm256_or_si256(bytes, above)) != 0) [[unlikely]]
      odd_scales(bytes, to);
  }
  // As fp16 the bytes are exact, times 2^-8, and their conversion to float has no slow cases.
  [[gnu::noinline, gnu::cold]] static void odd_scales(__m256i bytes, __m256 (&to)[4]) {
    const __m128i words = _mm_set1_epi16(short(0xbf80));  // sign; 4 and 3 bits
    const __m256i nan = _mm256_set1_epi8(0x7f);
    const __m256i by_block = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    // Byte j of eight rows: upper bytes of words.
    alignas(32) uint8_t blocks[4][8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(blocks),
                       _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(bytes, by_block),
                                                   _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
    for (int j = 0; j < 4; ++j) {
      const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(blocks[j]));
      const __m128i upper = _mm_unpacklo_epi8(_mm_setzero_si128(), eight);
      const __m128i halves = _mm_and_si128(_mm_srai_epi16(upper, 1), words);
      to[j] = _mm256_mul_ps(_mm256_cvtph_ps(halves), _mm256_set1_ps(0x1p8f * kFp4Lifted));
    }
    put_nan(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, nan), nan), to);
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
  // A block's quads of columns, each 8 rows, from half of its registers of codes.
  template <class F>
  [[gnu::always_inline]] static void decode(const uint8_t* codes, __m256i table,
                                            __m256i (&w)[F::kQuads]) {
    const __m256i low = _mm256_set1_epi8(15);
#pragma GCC unroll 4
    for (int i = 0; i < F::kQuads / 2; ++i) {
      __m256i v = load(codes + 64 * i);
      __asm__("" : "+x"(v));  // read once, not once for each half of bytes
      w[2 * i] = _mm256_shuffle_epi8(table, _mm256_and_si256(v, low));
      w[2 * i + 1] = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), low));
    }
  }

  // T tokens of a block, for 8 rows.
  template <class F, int T>
  [[gnu::always_inline]] static void block(const __m256i (&w)[F::kQuads], __m256 scale,
                                           const uint8_t* x, __m256 (&acc)[T]) {
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) {
      __m256i sum = fp4_broadcast(x + 4 * t);
#pragma GCC unroll 2
      for (int i = 0; i < F::kBlock; i += 16)
        sum = Dot::sixteen(sum, w + i / 4, x + F::kTokenHead * T + F::kBlock * t + i);
      __m256 exact = _mm256_cvtepi32_ps(sum);
      if constexpr (F::kTokenScales)
        exact = _mm256_mul_ps(exact, _mm256_castsi256_ps(fp4_broadcast(x + 4 * (T + t))));
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

using Fp4Avx2 = Fp4Ymm<Fp4WordsDot>;

}  // namespace
}  // namespace nibble::cpu
