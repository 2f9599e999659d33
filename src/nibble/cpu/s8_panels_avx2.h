// Tiles of s8_panels.h for AVX2: R rows of activations times one panel, a line of it as two
// registers of 8 rows; and what drives such tiles, those of AVX-VNNI (s8_panels_avx_vnni.h), too.
#pragma once
#include <immintrin.h>

#include "nibble/cpu/s8_panels.h"
#include "nibble/cpu/unrolled.h"

namespace nibble::cpu {
namespace {

using Sums8 = int32_t __attribute__((vector_size(32)));  // as in s8_panels_avx512.h

inline __m256i load256(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
inline __m256i broadcast256(const int8_t* p) {
  int32_t group;
  std::memcpy(&group, p, 4);
  return _mm256_set1_epi32(group);
}
[[gnu::always_inline]] inline void prefetch(const uint8_t* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
}

// Bytes times bytes by vpmaddubsw would saturate (255 * -128 twice), so int8 is widened: a pair sum
// of vpmaddwd is at most 2 * 2^14. 4 + 3 / R instructions for 32 products, as with the signs moved
// from one operand to the other; but every int8 is allowed.
template <int R>
void int8_tile_avx2(const S8Tile& t) {
  Sums8 acc[R][2];
  unrolled<R>([&](auto r) { acc[r][0] = acc[r][1] = Sums8{}; });
  const int8_t* x = t.groups;
  for (const uint8_t *w = t.w, *end = w + t.panel_bytes; w != end; w += 64, x += 8 * R) {
    prefetch(w + 4096);
    __m256i even[2], odd[2];
    unrolled<2>([&](auto h) {
      const __m256i line = load256(w + 32 * h);
      even[h] = _mm256_srai_epi16(_mm256_slli_epi16(line, 8), 8);
      odd[h] = _mm256_srai_epi16(line, 8);
    });
    unrolled<R>([&](auto r) {
      const __m256i x02 = broadcast256(x + 8 * r), x13 = broadcast256(x + 8 * r + 4);
      unrolled<2>([&](auto h) {
        acc[r][h] += Sums8(_mm256_madd_epi16(even[h], x02));
        acc[r][h] += Sums8(_mm256_madd_epi16(odd[h], x13));
      });
    });
  }
  unrolled<R>([&](auto r) {
    alignas(32) float y[kPanelRows];
    for (int h = 0; h < 2; ++h) _mm256_store_ps(y + 8 * h, _mm256_cvtepi32_ps(__m256i(acc[r][h])));
    float* to = t.y + r * t.ldy;
    for (int i = 0; i < t.columns; ++i) to[i] = y[i] * t.w_scale[i] * t.x_scale[r];
  });
}

// One row. A shift serves two masks: codes of every second place are multiplied where they lie, two
// bits up, into sums of their own. Pair sums of vpmaddubsw are at most 2 * 3 * 128 = 768 and 3072,
// so that a tile of a panel adds 8 of these as int16 (24576), and four tiles 32 of those.
[[gnu::always_inline]] inline void ternary_row(const S8Tile& t, int32_t (&sum)[1][kPanelRows]) {
  using Words = int16_t __attribute__((vector_size(32)));
  const __m256i low = _mm256_set1_epi8(3), up = _mm256_set1_epi8(3 << 2);
  const __m256i one = _mm256_set1_epi16(1), four = _mm256_set1_epi16(4);
  Sums8 fourfold[2] = {};  // at most 4 * 3 * 128 k < 2^31
  const int8_t* x = t.groups;
  for (const uint8_t *w = t.w, *end = w + t.panel_bytes; w != end;) {
    Words even[2] = {};
    for (int tile = 0; tile < 4 && w != end; ++tile) {
      Words odd[2] = {};
      for (int l = 0; l < 4; ++l, w += 64) {
        prefetch(w + 8192);
        __m256i line[2] = {load256(w), load256(w + 32)};
        unrolled<2>([&](auto) __attribute__((always_inline)) {
          const __m256i v = broadcast256(x), next = broadcast256(x + 4);
          unrolled<2>([&](auto h) __attribute__((always_inline)) {
            even[h] += Words(_mm256_maddubs_epi16(_mm256_and_si256(line[h], low), v));
            odd[h] += Words(_mm256_maddubs_epi16(_mm256_and_si256(line[h], up), next));
            line[h] = _mm256_srli_epi16(line[h], 4);
          });
          x += 8;
        });
      }
      for (int h = 0; h < 2; ++h) fourfold[h] += Sums8(_mm256_madd_epi16(__m256i(odd[h]), one));
    }
    for (int h = 0; h < 2; ++h) fourfold[h] += Sums8(_mm256_madd_epi16(__m256i(even[h]), four));
  }
  for (int h = 0; h < 2; ++h) *reinterpret_cast<Sums8*>(sum[0] + 8 * h) += fourfold[h] >> 2;
}

// Pair sums of vpmaddubsw are at most 2 * 3 * 128 here, so 32 steps of 4 columns, two tiles of a
// panel, are added up as int16 (24576) before they are widened.
template <int R>
[[gnu::always_inline]] inline void ternary_rows(const S8Tile& t, int32_t (&sum)[R][kPanelRows]) {
  constexpr int kLines = 8;
  const __m256i low = _mm256_set1_epi8(3), ones = _mm256_set1_epi16(1);
  const int8_t* x = t.groups;
  for (const uint8_t *w = t.w, *end = w + t.panel_bytes; w != end;) {
    using Words = int16_t __attribute__((vector_size(32)));
    Words acc[R][2];
    unrolled<R>([&](auto r) { acc[r][0] = acc[r][1] = Words{}; });
    for (int l = 0; l < kLines && w != end; ++l, w += 64) {
      prefetch(w + 4096);
      __m256i line[2] = {load256(w), load256(w + 32)};
      for (int j = 0; j < 4; ++j, x += 4 * R) {
        const __m256i codes[2] = {_mm256_and_si256(line[0], low), _mm256_and_si256(line[1], low)};
        unrolled<R>([&](auto r) {
          const __m256i v = broadcast256(x + 4 * r);
          unrolled<2>([&](auto h) { acc[r][h] += Words(_mm256_maddubs_epi16(codes[h], v)); });
        });
        for (__m256i& v : line) v = _mm256_srli_epi16(v, 2);
      }
    }
    unrolled<R>([&](auto r) {
      unrolled<2>([&](auto h) {
        auto* to = reinterpret_cast<__m256i*>(sum[r] + 8 * h);
        *to = _mm256_add_epi32(*to, _mm256_madd_epi16(__m256i(acc[r][h]), ones));
      });
    });
  }
}
template <int R>
void ternary_tile_avx2(const S8Tile& t) {
  alignas(32) int32_t sum[R][kPanelRows];
  for (int r = 0; r < R; ++r)
    for (int32_t& s : sum[r]) s = -TernaryCodes::kBias * t.sums[r];
  if constexpr (R == 1)
    ternary_row(t, sum);
  else
    ternary_rows(t, sum);
  for (int r = 0; r < R; ++r)
    for (int i = 0; i < t.columns; ++i)
      t.y[r * t.ldy + i] = float(sum[r][i]) * t.w_scale[i] * t.x_scale[r];
}

template <class Codes>
struct S8Avx2 {
  static constexpr auto kLayout = Codes::kLayout;
  static constexpr bool kWide = Codes::kBias == Int8Codes::kBias;
  static constexpr int kTokens = 4, kGroupBytes = kWide ? 8 : 4;
  static constexpr bool kRowIsGroups = false;

  static void copy(const int8_t* x, int64_t ldx, int rows, int k, int8_t* to, int32_t* sums) {
    s8_copy<kWide>(x, ldx, rows, k, to, sums);
  }
  template <int R>
  static void tile(const S8Tile& t) {
    if constexpr (kWide)
      int8_tile_avx2<R>(t);
    else
      ternary_tile_avx2<R>(t);
  }
};

template <class Kernel, int R = 1>
void s8_tile_ymm(int rows, const S8Tile& t) {
  if (rows == R) return Kernel::template tile<R>(t);
  if constexpr (R < Kernel::kTokens) s8_tile_ymm<Kernel, R + 1>(rows, t);
}

template <class Kernel, class Args>
void run_s8_ymm(const Args& a, const Exec& e) {
  constexpr int kTokens = Kernel::kTokens, kGroupBytes = Kernel::kGroupBytes;
  const int64_t panel_bytes = Kernel::kLayout.panel_bytes(a.k), most = s8_block(a.m, a.k);
  const S8Rows x = s8_rows(a.scratch, most);
  const bool in_place = Kernel::kRowIsGroups && a.m == 1 && a.k % 64 == 0;
  for (int64_t block = 0; block < a.m; block += most) {
    const int64_t rows = std::min(most, a.m - block);
    each_tile_copy<kTokens>(rows, e.pool, [&](int64_t begin, int count) {
      int8_t* to = x.groups + begin * padded_k(a.k) / 4 * kGroupBytes;
      Kernel::copy(a.x + (block + begin) * a.ldx, a.ldx, count, a.k, in_place ? nullptr : to,
                   x.sums + begin);
    });
    each_tile<kTokens, 1>(
        rows, a.n, panel_bytes, e.pool, [=](int64_t begin, int count, int64_t panel, int panels) {
          S8Tile t = s8_tile(a, x, kGroupBytes, block, begin, panel, panel_bytes, panels);
          if (in_place) t.groups = a.x;
          s8_tile_ymm<Kernel>(count, t);
        });
  }
}
template <class Codes, class Args>
void run_s8_avx2(const Args& a, const Exec& e) {
  run_s8_ymm<S8Avx2<Codes>>(a, e);
}

}  // namespace
}  // namespace nibble::cpu
