// Tiles of s8_panels.h by vpdpbusd: R rows of activations times P panels of 16 weight rows, sums in
// R P registers. Included by cpu_avx512_vnni.cpp of ops only.
#pragma once
#include <immintrin.h>

#include "nibble/cpu/fetch_write.h"
#include "nibble/cpu/s8_panels.h"
#include "nibble/cpu/unrolled.h"

namespace nibble::cpu {
namespace {

// Cache lines of codes: of 16 rows, kSteps times 4 neighbouring columns, as unsigned bytes. Up to
// kAlone rows of activations meet one panel at a time: one stream, which memory likes best. More of
// them meet two, which halves the loads of activations.
struct Int8Lines : Int8Codes {
  static constexpr int kSteps = 1, kAlone = 8;
  static __m512i load(const uint8_t* p) {
    return _mm512_xor_si512(_mm512_load_si512(p), _mm512_set1_epi8(char(0x80)));
  }
  static __m512i step(__m512i line, int) { return line; }
  static __m512i in_place(__m512i line, int) { return line; }
  static __m512i unplaced(__m512i sum, int) { return sum; }
};
struct TernaryLines : TernaryCodes {
  static constexpr int kSteps = 4, kAlone = 2;
  static __m512i load(const uint8_t* p) { return _mm512_load_si512(p); }
  static __m512i step(__m512i line, int j) {
    const __m512i low = _mm512_set1_epi8(3);
    if (j == 0) return _mm512_and_si512(line, low);
    if (j == 1) return _mm512_and_si512(_mm512_srli_epi16(line, 2), low);
    if (j == 2) return _mm512_and_si512(_mm512_srli_epi16(line, 4), low);
    return _mm512_and_si512(_mm512_srli_epi16(line, 6), low);
  }
  // Times 4^j: saves the shifts where each j has sums of its own.
  static __m512i in_place(__m512i line, int j) {
    return _mm512_and_si512(line, _mm512_set1_epi8(char(3 << 2 * j)));
  }
  static __m512i unplaced(__m512i sum, int j) {
    return _mm512_sra_epi32(sum, _mm_cvtsi32_si128(2 * j));
  }
};

// vpdpbusd takes 5 cycles and starts twice in one: where a tile has few sums, each is kept in so
// many parts, by steps in turn; four and more are as many for each step.
constexpr int parts_of(int sums, int steps) {
  const int parts = sums >= 9 ? 1 : sums >= 5 ? 2 : sums >= 2 ? 4 : 8;
  return parts < 4 ? parts : (parts + steps - 1) / steps * steps;
}
// 16 int32 by name: as __m512i, which is 8 int64 to the compiler, sums are copied and spilled at
// every step where what follows the loop takes them for int32 (GCC 12: 2.3 times as slow).
using Sums = int32_t __attribute__((vector_size(64)));

constexpr int kS8Tokens = 12;  // x 2 panels: 24 of 32 registers are sums
// Rows of a tile that is alone for sure: tiles are as even as can be, and 13 rows are 6 and 7.
constexpr bool alone(int rows) { return 2 * rows < kS8Tokens; }
constexpr int64_t kAloneAhead = 8192;

// Where a tile prefetches: `step` bytes further for each line of a panel, and in the next panels of
// the task from `turn` on.
struct Ahead {
  const uint8_t* p;
  int64_t step;
  const uint8_t* turn;
};
// A tile that meets its panels alone looks 8 KiB ahead. Where several meet the same panels, the
// first would wait for memory while the others need none: each fetches its part of the next panels.
inline Ahead ahead_of(const S8Tile& t, int64_t begin, int64_t rows, int64_t tiles, int panels) {
  const uint8_t* end = t.w + t.panel_bytes;
  if (tiles == 1) return {t.w + kAloneAhead, 64, end - kAloneAhead};
  const int64_t part = t.panel_bytes * begin / rows / 64 * 64;
  return {t.w + panels * t.panel_bytes + part, (64 + tiles - 1) / tiles, end};
}

// Of panels that are `apart` bytes apart: neighbours, or of two matrices. Alone: in a function that
// grows by several tiles GCC 12 stops to inline, and sums come to memory: a third of the speed.
template <class Lines, int R, int P>
[[gnu::noinline]] void s8_tile_avx512(const S8Tile& t, Ahead ahead, int64_t apart) {
  constexpr int kSteps = Lines::kSteps, kParts = parts_of(R * P, kSteps);
  constexpr int kLines = kParts > kSteps ? kParts / kSteps : 1;  // of a round
  constexpr bool kPlaces = kParts % kSteps == 0;
  Sums acc[kParts][R][P];
  unrolled<R>([&](auto r) {
    unrolled<P>([&](auto p) { unrolled<kParts>([&](auto i) { acc[i][r][p] = Sums{}; }); });
  });
  // Another core may have written these, and what is multiplied is long enough for them to come.
  _mm_prefetch(reinterpret_cast<const char*>(t.sums), _MM_HINT_T0);
  _mm_prefetch(reinterpret_cast<const char*>(t.w_scale), _MM_HINT_T0);
  const int8_t* x = t.groups;
  const uint8_t *w = t.w, *end = w + t.panel_bytes;
  // Rows of y are fetched one after another: all at once they would be in the way of codes.
  const float* y = t.y;
  const int64_t section = (t.panel_bytes / (64 * kLines) + R - 1) / R * (64 * kLines);
  do {
    unrolled<P>([&](auto p) { fetch_write(y + p * kPanelRows); });
    fetch_write(y + P * kPanelRows - 1);  // rows may begin anywhere in a line
    y += t.ldy;
    const uint8_t* stop = std::min(w + section, end);
    do {
      const uint8_t* to = (alone(R) ? w + kAloneAhead : ahead.p) +
                          (-int64_t(w >= ahead.turn) & (P - 1) * t.panel_bytes);
      const int64_t step = alone(R) ? 64 : ahead.step;
      unrolled<kLines>([&](auto l) {
        __m512i lines[P];
        unrolled<P>([&](auto p) {
          const uint8_t* at = w + 64 * l + p * apart;
          _mm_prefetch(reinterpret_cast<const char*>(to + l * step + p * apart), _MM_HINT_T0);
          lines[p] = Lines::load(at);
        });
        unrolled<kSteps>([&](auto j) {
          __m512i codes[P];
          unrolled<P>([&](auto p) {
            codes[p] = kPlaces ? Lines::in_place(lines[p], j) : Lines::step(lines[p], j);
          });
          unrolled<R>([&](auto r) {
            int32_t group;
            std::memcpy(&group, x + 4 * ((l * kSteps + j) * R + r), 4);
            const __m512i v = _mm512_set1_epi32(group);
            unrolled<P>([&](auto p) {
              Sums& sum = acc[(l * kSteps + j) % kParts][r][p];
              sum = Sums(_mm512_dpbusd_epi32(__m512i(sum), codes[p], v));
            });
          });
        });
      });
      w += 64 * kLines;
      ahead.p += step * kLines;
      x += 4 * kLines * kSteps * R;
    } while (w < stop);
  } while (w < end);
  unrolled<P>([&](auto p) {
    const int left = t.columns - p * kPanelRows;
    const auto there = __mmask16(left >= kPanelRows ? 0xffff : (1 << left) - 1);
    const __m512 w_scale = _mm512_maskz_loadu_ps(there, t.w_scale + p * kPanelRows);
    unrolled<R>([&](auto r) {
      __m512i sum = _mm512_set1_epi32(-Lines::kBias * t.sums[r]);
      unrolled<kParts>([&](auto i) {
        const auto part = __m512i(acc[i][r][p]);
        sum = _mm512_add_epi32(sum, kPlaces ? Lines::unplaced(part, i % kSteps) : part);
      });
      const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), w_scale);
      _mm512_mask_storeu_ps(t.y + r * t.ldy + p * kPanelRows, there,
                            _mm512_mul_ps(scaled, _mm512_set1_ps(t.x_scale[r])));
    });
  });
}

template <class Lines, int P, int R = 1>
void s8_tile_avx512(int rows, const S8Tile& t, const Ahead& ahead, int64_t apart) {
  if (rows == R) return s8_tile_avx512<Lines, R, P>(t, ahead, apart);
  if constexpr (R < kS8Tokens) s8_tile_avx512<Lines, P, R + 1>(rows, t, ahead, apart);
}

// R rows as groups, and their sums. Four rows at a time are transposed within quarters of
// registers: then a quarter is a group of each of the four.
template <int R>
void s8_copy_avx512(const int8_t* x, int64_t ldx, int k, int8_t* to, int32_t* sums) {
  constexpr int kFours = (R + 3) / 4, kRest = R - 4 * (kFours - 1);
  Sums sum[R];
  unrolled<R>([&](auto r) { sum[r] = Sums{}; });
  for (int c = 0; c < k; c += 64) {
    const __mmask64 there = k - c >= 64 ? ~uint64_t(0) : (uint64_t(1) << (k - c)) - 1;
    __m512i t[kFours][4];
    unrolled<kFours>([&](auto f) {
      __m512i v[4];
      unrolled<4>([&](auto i) {
        constexpr int r = 4 * decltype(f)::value + decltype(i)::value;
        v[i] = _mm512_setzero_si512();
        if constexpr (r < R) {
          v[i] = _mm512_maskz_loadu_epi8(there, x + r * ldx + c);
          sum[r] = Sums(_mm512_dpbusd_epi32(__m512i(sum[r]), _mm512_set1_epi8(1), v[i]));
        }
      });
      const __m512i a = _mm512_unpacklo_epi32(v[0], v[1]), b = _mm512_unpacklo_epi32(v[2], v[3]);
      const __m512i d = _mm512_unpackhi_epi32(v[0], v[1]), e = _mm512_unpackhi_epi32(v[2], v[3]);
      t[f][0] = _mm512_unpacklo_epi64(a, b), t[f][1] = _mm512_unpackhi_epi64(a, b);
      t[f][2] = _mm512_unpacklo_epi64(d, e), t[f][3] = _mm512_unpackhi_epi64(d, e);
    });
    unrolled<16>([&](auto g) {
      unrolled<kFours>([&](auto f) {
        constexpr int kQuarter = decltype(g)::value / 4;
        int8_t* at = to + (int64_t(c / 4 + g) * R + 4 * f) * 4;
        // Part of a quarter, where the whole might end behind the buffer: by a mask of the
        // register, since a masked store of an extracted quarter faults for what it leaves out,
        // too.
        if constexpr (kRest < 4 && f == kFours - 1)
          _mm512_mask_storeu_epi32(at - 16 * kQuarter, ((1 << kRest) - 1) << 4 * kQuarter,
                                   t[f][g % 4]);
        else
          _mm_storeu_si128(reinterpret_cast<__m128i*>(at),
                           _mm512_extracti32x4_epi32(t[f][g % 4], kQuarter));
      });
    });
  }
  unrolled<R>([&](auto r) { sums[r] = _mm512_reduce_add_epi32(__m512i(sum[r])); });
}
// A row alone, unless `to` is null, and its sum.
template <>
void s8_copy_avx512<1>(const int8_t* x, int64_t, int k, int8_t* to, int32_t* sums) {
  Sums sum[4] = {};
  for (int c = 0; c < k; c += 256)
    unrolled<4>([&](auto i) {
      const int at = c + 64 * i;
      if (at >= k) return;
      const __mmask64 there = k - at >= 64 ? ~uint64_t(0) : (uint64_t(1) << (k - at)) - 1;
      const __m512i v = _mm512_maskz_loadu_epi8(there, x + at);
      sum[i] = Sums(_mm512_dpbusd_epi32(__m512i(sum[i]), _mm512_set1_epi8(1), v));
      if (to != nullptr) _mm512_storeu_si512(to + at, v);
    });
  *sums = _mm512_reduce_add_epi32(__m512i((sum[0] + sum[1]) + (sum[2] + sum[3])));
}
template <int R = 1>
void s8_copy_avx512(int rows, const int8_t* x, int64_t ldx, int k, int8_t* to, int32_t* sums) {
  if (rows == R) return s8_copy_avx512<R>(x, ldx, k, to, sums);
  if constexpr (R < kS8Tokens) s8_copy_avx512<R + 1>(rows, x, ldx, k, to, sums);
}

template <class Lines, class Args>
void run_s8_avx512(const Args& a, const Exec& e) {
  const int64_t panel_bytes = Lines::kLayout.panel_bytes(a.k), most = s8_block(a.m, a.k);
  const S8Rows x = s8_rows(a.scratch, most);
  // A row alone lies as its groups do. A copy would be lines that other cores wait for: each core
  // has had x in its cache since the last product of it, or fetches it as it would the copy.
  const bool in_place = a.m == 1 && a.k % 64 == 0;
  for (int64_t block = 0; block < a.m; block += most) {
    const int64_t rows = std::min(most, a.m - block);
    each_tile_copy<kS8Tokens>(rows, e.pool, [&](int64_t begin, int count) {
      s8_copy_avx512(count, a.x + (block + begin) * a.ldx, a.ldx, a.k,
                     in_place ? nullptr : x.groups + begin * padded_k(a.k), x.sums + begin);
    });
    const auto tile = [=](int64_t begin, int count, int64_t panel, int panels) {
      S8Tile t = s8_tile(a, x, 4, block, begin, panel, panel_bytes, panels);
      if (in_place) t.groups = a.x;
      const Ahead ahead = ahead_of(t, begin, rows, TokenTiles{rows, kS8Tokens}.count(), panels);
      panels == 2 ? s8_tile_avx512<Lines, 2>(count, t, ahead, panel_bytes)
                  : s8_tile_avx512<Lines, 1>(count, t, ahead, panel_bytes);
    };
    if (rows <= Lines::kAlone)
      each_tile<kS8Tokens, 1>(rows, a.n, panel_bytes, e.pool, tile);
    else
      each_tile<kS8Tokens, 2>(rows, a.n, panel_bytes, e.pool, tile);
  }
}

}  // namespace
}  // namespace nibble::cpu
