// Panels of 16 rows of fp4 codes times int8 tokens, for files compiled for AVX-512 with VNNI and
// VBMI. The driver is fp4_s8.h, the arithmetic numerics/fp4_sums.h.
//
// A register holds one dword, 4 consecutive columns, of each of 16 rows; vpermb looks its codes up
// (64 entries are the 16 four times: bits above the nibble do not matter), and the dword of a token
// that multiplies them is broadcast by the multiplication itself. Results are 16 rows of a token.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/e4m3_products_avx512.h"
#include "nibble/cpu/fp4_pack_x86.h"
#include "nibble/cpu/fp4_s8.h"
#include "nibble/cpu/math_avx512.h"

namespace nibble::cpu {
namespace {

struct Fp4Avx512 {
  using Lanes = F32x16;
  template <class F>
  static constexpr int kFew = 8;
  // With 8 tokens and 2 panels, NVFP4 takes 16 registers of sums and 8 of codes; with 6, MXFP4
  // takes 12 and 16.
  template <class F>
  static constexpr int kMany = F::kBlock == 16 ? 8 : 6;
  template <class F>
  static constexpr int kReadAgain = F::kTokenScales ? 8 : 32;
  // What sums are multiplied with: they are of doubled elements and of factors in some unit.
  template <class F>
  static constexpr float kUnit = F::kOfDoubled / (F::kTokenScales   ? kE4m3ProductUnit
                                                  : F::kBlock == 16 ? kE5m3Unit
                                                                    : 1);

  template <class F>
  static void pack(S8Tokens x, int tokens, int blocks, bool, uint8_t* to) {
    fp4_pack_tile<F>(x, tokens, blocks, to);
  }
  // few<> multiplies with these, many<> looks products up.
  static constexpr auto kTokenFactors = fp4_token_factors(kE4m3ProductUnit / kE5m3Unit);
  template <class F>
  static void pack(Nvfp4Tokens x, int tokens, int blocks, bool many, uint8_t* to) {
    const auto& factors = many ? kE4m3ProductTables : kTokenFactors;
    fp4_pack_tile<F>(x, tokens, blocks, factors.data(), to);
  }

  alignas(64) static constexpr auto kCodes = fp4_repeated_codes<4>();
  alignas(64) static constexpr auto kE5m3 = e5m3_codes();

  [[gnu::always_inline]] static __m512i e5m3(__m512i bytes) {
    return _mm512_permutex2var_epi8(_mm512_load_si512(kE5m3.data()), bytes,
                                    _mm512_load_si512(kE5m3.data() + 64));
  }
  // The factors of 16 rows for the four blocks of a tile, from the tile's first 64 bytes.
  [[gnu::always_inline]] static void scales(Nvfp4Panels, __m512i bytes, __m512 (&to)[4]) {
    const __m512i s = e5m3(bytes);
    const __m512i field = _mm512_set1_epi32(0x0ff00000);
    to[0] = _mm512_castsi512_ps(_mm512_and_si512(_mm512_slli_epi32(s, 20), field));
    to[1] = _mm512_castsi512_ps(_mm512_and_si512(_mm512_slli_epi32(s, 12), field));
    to[2] = _mm512_castsi512_ps(_mm512_and_si512(_mm512_slli_epi32(s, 4), field));
    to[3] = _mm512_castsi512_ps(_mm512_and_si512(_mm512_srli_epi32(s, 4), field));
    // Encoders write neither signs nor NaN.
    if (_mm512_cmpgt_epu8_mask(bytes, _mm512_set1_epi8(0x7e)) != 0) [[unlikely]]
      odd_scales(bytes, to);
  }
  [[gnu::always_inline]] static void scales(Nvfp4Pairs, __m512i bytes, __m512 (&to)[4]) {
    scales(Nvfp4Panels(), bytes, to);
  }
  static void odd_scales(__m512i bytes, __m512 (&to)[4]) {
    for (int j = 0; j < 4; ++j, bytes = _mm512_srli_epi32(bytes, 8)) {
      const __m512i magnitude = _mm512_and_si512(bytes, _mm512_set1_epi32(0x7f));
      const __m512i sign = _mm512_slli_epi32(_mm512_and_si512(bytes, _mm512_set1_epi32(0x80)), 24);
      const __m512i value = _mm512_or_si512(_mm512_castps_si512(to[j]), sign);
      to[j] = _mm512_castsi512_ps(
          _mm512_mask_mov_epi32(value, _mm512_cmpeq_epi32_mask(magnitude, _mm512_set1_epi32(0x7f)),
                                _mm512_set1_epi32(int(kFp4Nan))));
    }
  }
  [[gnu::always_inline]] static void scales(Mxfp4Panels, __m512i bytes, __m512 (&to)[4]) {
    const __m512i field = _mm512_set1_epi32(0x7f800000);
    const __m512i least = _mm512_set1_epi32(0x00400000);  // 2^-127, the value of byte 0
    const __m512i s[4] = {_mm512_slli_epi32(bytes, 23), _mm512_slli_epi32(bytes, 15),
                          _mm512_slli_epi32(bytes, 7), _mm512_srli_epi32(bytes, 1)};
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j)
      to[j] = _mm512_castsi512_ps(_mm512_max_epi32(_mm512_and_si512(s[j], field), least));
    if (_mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(-1)) != 0) [[unlikely]]
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j)  // what came out as infinity is NaN
        to[j] = _mm512_castsi512_ps(_mm512_mask_mov_epi32(
            _mm512_castps_si512(to[j]), _mm512_cmpeq_epi32_mask(_mm512_castps_si512(to[j]), field),
            _mm512_set1_epi32(int(kFp4Nan))));
  }

  // A block's quads of columns, each 16 rows, from its registers of codes.
  template <class F>
  [[gnu::always_inline]] static void decode(const uint8_t* codes, __m512i table,
                                            __m512i (&w)[F::kQuads]) {
#pragma GCC unroll 4
    for (int i = 0; i < F::kQuads / 2; ++i) {
      const __m512i v = _mm512_loadu_si512(codes + 64 * i);
      w[2 * i] = _mm512_permutexvar_epi8(v, table);
      w[2 * i + 1] = _mm512_permutexvar_epi8(_mm512_srli_epi16(v, 4), table);
    }
  }
  [[gnu::always_inline]] static __m512i broadcast(const uint8_t* p) {
    int32_t word;
    std::memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
  }

  // T tokens of a panel: every tile is decoded once, in registers.
  template <class F, int T>
  static void few(const uint8_t* panel, const uint8_t* x, int blocks, float* sums) {
    const __m512i table = _mm512_load_si512(kCodes.data());
    __m512 acc[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) acc[t] = _mm512_setzero_ps();
    const auto block = [&](const uint8_t* codes, __m512 scale) __attribute__((always_inline)) {
      __m512i w[F::kQuads];
      decode<F>(codes, table, w);
#pragma GCC unroll 8
      for (int t = 0; t < T; ++t) {
        __m512i sum = broadcast(x + 4 * t);
#pragma GCC unroll 8
        for (int q = 0; q < F::kQuads; ++q)
          sum = _mm512_dpbusd_epi32(sum, w[q],
                                    broadcast(x + F::kTokenHead * T + F::kBlock * t + 4 * q));
        __m512 exact = _mm512_cvtepi32_ps(sum);
        if constexpr (F::kTokenScales)
          exact = _mm512_mul_ps(exact, _mm512_castsi512_ps(broadcast(x + 4 * (T + t))));
        acc[t] = _mm512_fmadd_ps(exact, scale, acc[t]);
      }
      x += F::token_bytes(T);
    };
    for (; blocks >= 4; blocks -= 4, panel += F::kTileBytes) {
#pragma GCC unroll 20
      for (int line = 0; line < F::kTileBytes; line += 64)
        _mm_prefetch(reinterpret_cast<const char*>(panel) + kFp4Ahead + line, _MM_HINT_T0);
      if constexpr (F::kBlock == 16)
        _mm_prefetch(reinterpret_cast<const char*>(panel) + 2 * kFp4Ahead, _MM_HINT_T0);
      __m512 scale[4];
      scales(F(), _mm512_loadu_si512(panel), scale);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) block(panel + 64 + j * F::kCodeBytes, scale[j]);
    }
    if (blocks > 0) {
      __m512 scale[4];
      scales(F(), _mm512_loadu_si512(panel), scale);
      for (int j = 0; j < blocks; ++j) block(panel + 64 + j * F::kCodeBytes, scale[j]);
    }
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) _mm512_storeu_ps(sums + 16 * t, acc[t]);
  }

  // The tiles of `blocks` blocks, for many<>: for each block the quads of P panels side by side,
  // then their factors. This is panel `p`.
  template <class F, size_t kPanels>
  static uint32_t unpack(const uint8_t* tile, int blocks, int p, uint8_t* to) {
    const __m512i table = _mm512_load_si512(kCodes.data());
    constexpr int P = int(kPanels);
    uint32_t nan = 0;
    to += 64 * p;
    for (; blocks > 0; blocks -= 4, tile += F::kTileBytes) {
      uint8_t* const first = to;
      const __m512i bytes = _mm512_loadu_si512(tile);
      __m512 scale[4];
      if constexpr (F::kTokenScales)
        e4m3_words(e5m3(bytes), scale);
      else
        scales(F(), bytes, scale);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j, to += F::unpacked_bytes(P)) {
        __m512i w[F::kQuads];
        decode<F>(tile + 64 + j * F::kCodeBytes, table, w);
#pragma GCC unroll 8
        for (int q = 0; q < F::kQuads; ++q) _mm512_store_si512(to + 64 * P * q, w[q]);
        _mm512_store_ps(to + 64 * P * F::kQuads, scale[j]);
      }
      if constexpr (F::kTokenScales)
        if (const uint64_t odd = e4m3_odd(bytes, blocks); odd != 0) [[unlikely]]
          nan |= odd_words<F, P>(tile, odd, first);
    }
    return nan;
  }
  // Unpacked scales that are 0, negative or NaN, a bit each of a tile's bytes: elements become
  // zeros, words get their sign, rows are told.
  template <class F, int P>
  [[gnu::cold, gnu::noinline]] static uint32_t odd_words(const uint8_t* tile, uint64_t odd,
                                                         uint8_t* unpacked) {
    uint32_t nan = 0;
    for (; odd != 0; odd &= odd - 1) {
      const int at = __builtin_ctzll(odd), row = at / 4, magnitude = tile[at] & 0x7f;
      uint8_t* const block = unpacked + at % 4 * F::unpacked_bytes(P) + 4 * row;
      if (magnitude == 0x7f) nan |= 1u << row;
      if (tile[at] & 0x80) block[64 * P * F::kQuads] |= kE4m3WordSign;
      for (int q = 0; magnitude == 0 && q < F::kQuads; ++q)
        std::memset(block + 64 * P * q, kFp4Offset, 4);
    }
    return nan;
  }

  // T tokens of P unpacked panels, added to sums[T][P][16]: a dword of a token meets P registers,
  // which are those of one block for all T.
  template <class F, size_t kPanels, int T>
  static void many(const uint8_t* w, const uint8_t* x, int blocks, float* sums) {
    constexpr int P = int(kPanels);
    __m512 acc[T][P];
#pragma GCC unroll 16
    for (int i = 0; i < T * P; ++i) acc[i / P][i % P] = _mm512_loadu_ps(sums + 16 * i);
    for (; blocks > 0; --blocks) {
      __m512i code[F::kQuads][P];
#pragma GCC unroll 16
      for (int i = 0; i < F::kQuads * P; ++i) code[i / P][i % P] = _mm512_load_si512(w + 64 * i);
        // Two tokens in turns: chains of vpdpbusd are 4 or 8 long.
#pragma GCC unroll 8
      for (int t = 0; t < T; t += 2) {
        const int count = t + 1 < T ? 2 : 1;
        __m512i sum[2][P];
#pragma GCC unroll 2
        for (int i = 0; i < count; ++i)
#pragma GCC unroll 2
          for (int p = 0; p < P; ++p) sum[i][p] = broadcast(x + 4 * (t + i));
#pragma GCC unroll 8
        for (int q = 0; q < F::kQuads; ++q)
#pragma GCC unroll 2
          for (int i = 0; i < count; ++i) {
            const __m512i v = broadcast(x + F::kTokenHead * T + F::kBlock * (t + i) + 4 * q);
#pragma GCC unroll 2
            for (int p = 0; p < P; ++p) sum[i][p] = _mm512_dpbusd_epi32(sum[i][p], code[q][p], v);
          }
#pragma GCC unroll 2
        for (int i = 0; i < count; ++i)
#pragma GCC unroll 2
          for (int p = 0; p < P; ++p) {
            const __m512 word = _mm512_load_ps(w + 64 * (P * F::kQuads + p));
            __m512 scale = word;
            if constexpr (F::kTokenScales) scale = e4m3_product(word, x + 4 * (T + t + i));
            acc[t + i][p] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[i][p]), scale, acc[t + i][p]);
          }
      }
      w += F::unpacked_bytes(P), x += F::token_bytes(T);
    }
#pragma GCC unroll 16
    for (int i = 0; i < T * P; ++i) _mm512_storeu_ps(sums + 16 * i, acc[i / P][i % P]);
  }
};

}  // namespace
}  // namespace nibble::cpu
