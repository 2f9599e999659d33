// Tiles of fp8_panels.h for AVX-512 with VBMI: R rows of activations times a panel of 16 weight
// rows. Included by cpu_avx512*.cpp of ops only.
//
// A line of 64 codes is looked up as bf16, upper and lower bytes apart, 128 magnitudes in two
// registers each; the sign is put back. Woven by bytes, a 128-bit part holds two rows: lanes of
// columns (0, 1) and (2, 3) of the one, then of the other. Nothing else has to be moved: sums stay
// in this order, and two shuffles of the last of them put 16 rows in theirs.
#pragma once
#include <immintrin.h>

#include "nibble/cpu/fp8_panels.h"
#include "nibble/cpu/unrolled.h"

namespace nibble::cpu {
namespace {

struct E4m3Table {
  alignas(64) uint8_t low[128], high[128];
};
constexpr E4m3Table e4m3_table() {
  E4m3Table t{};
  for (int i = 0; i < 128; ++i) {
    const uint32_t bits = float_bits(to_float(e4m3{uint8_t(i)}));
    t.low[i] = uint8_t(bits >> 16), t.high[i] = uint8_t(bits >> 24);
  }
  return t;
}
constexpr E4m3Table kE4m3Table = e4m3_table();
// Of the lower 7 bits of bytes.
inline __m512i look_up(const uint8_t (&table)[128], __m512i v) {
  return _mm512_permutex2var_epi8(_mm512_load_si512(table), v, _mm512_load_si512(table + 64));
}

// 32 activations as bf16, zeros where `there` is not.
inline __m512i load_activations(const bf16* p, __mmask32 there) {
  const __m512i v = _mm512_maskz_loadu_epi16(there, p);
  const __m512i magnitude = _mm512_and_si512(v, _mm512_set1_epi16(0x7fff));
  return _mm512_maskz_mov_epi16(
      _mm512_cmpge_epu16_mask(magnitude, _mm512_set1_epi16(kFp8LeastActivation)), v);
}
inline __m512i load_activations(const e4m3* p, __mmask32 there) {
  const __m512i v = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(there, p));
  // Upper bytes are codes 0, and 0 in the tables.
  const __m512i low = look_up(kE4m3Table.low, v), high = look_up(kE4m3Table.high, v);
  const __m512i sign = _mm512_and_si512(v, _mm512_set1_epi16(0x80));
  return _mm512_or_si512(low, _mm512_slli_epi16(_mm512_or_si512(high, sign), 8));
}

inline void put_groups(Bf16Groups, __m512i v, int rows, uint8_t* to) {
  if (rows == 1) return _mm512_storeu_si512(to, v);
  alignas(64) uint64_t group[8];
  _mm512_store_si512(group, v);
  for (int g = 0; g < 8; ++g) std::memcpy(to + g * rows * Bf16Groups::kBytes, group + g, 8);
}
inline void put_groups(FloatGroups, __m512i v, int rows, uint8_t* to) {
  const __m256i half[] = {_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1)};
  for (int h = 0; h < 2; ++h) {
    const __m512i floats = _mm512_slli_epi32(_mm512_cvtepu16_epi32(half[h]), 16);
    alignas(64) uint8_t group[4][FloatGroups::kBytes];  // columns 1, 3, 0, 2 of each four
    _mm512_store_si512(group, _mm512_shuffle_epi32(floats, _MM_PERM_ENUM(0x8d)));
    for (int g = 0; g < 4; ++g)
      std::memcpy(to + (4 * h + g) * rows * FloatGroups::kBytes, group[g], FloatGroups::kBytes);
  }
}

// fp8_copy(), 32 columns at a time.
template <class Groups, class T>
void fp8_copy_avx512(const T* x, int64_t ldx, int rows, int k, uint8_t* to) {
  for (int r = 0; r < rows; ++r, x += ldx)
    for (int c = 0; c < (k + 63) / 64 * 64; c += 32) {
      const int left = k - c;
      const auto there = left >= 32 ? ~__mmask32(0) : left > 0 ? (__mmask32(1) << left) - 1 : 0;
      put_groups(Groups(), load_activations(x + c, there), rows,
                 to + (int64_t(c / 4) * rows + r) * Groups::kBytes);
    }
}

// Of 8 rows each: 0, 1, 4, 5, 8, 9, 12, 13 and the others.
struct Bf16Line {
  __m512i rows01, rows23;
};
inline Bf16Line load_e4m3(const uint8_t* p) {
  const __m512i v = _mm512_load_si512(p);
  const __m512i low = look_up(kE4m3Table.low, v);
  // high | (v & 0x80)
  const __m512i high =
      _mm512_ternarylogic_epi32(look_up(kE4m3Table.high, v), v, _mm512_set1_epi8(char(0x80)), 0xf8);
  return {_mm512_unpacklo_epi8(low, high), _mm512_unpackhi_epi8(low, high)};
}

// As products of floats: bf16 is the upper half of one.
struct FloatProducts {
  using Groups = FloatGroups;
  static constexpr int kTokens = 5;  // 20 of 32 registers are sums, 6 operands
  struct Line {
    __m512 odd[2], even[2];
    explicit Line(const uint8_t* p) {
      const Bf16Line b = load_e4m3(p);
      const __m512i upper = _mm512_set1_epi32(int32_t(0xffff0000u));
      odd[0] = _mm512_castsi512_ps(_mm512_and_si512(b.rows01, upper));
      odd[1] = _mm512_castsi512_ps(_mm512_and_si512(b.rows23, upper));
      even[0] = _mm512_castsi512_ps(_mm512_slli_epi32(b.rows01, 16));
      even[1] = _mm512_castsi512_ps(_mm512_slli_epi32(b.rows23, 16));
    }
  };
  static void add(__m512 (&sum)[2], const Line& w, const uint8_t* group) {
    const auto pair = [&](int i) {
      double both;
      std::memcpy(&both, group + 8 * i, 8);
      return _mm512_castpd_ps(_mm512_set1_pd(both));
    };
    const __m512 odd = pair(0), even = pair(1);
    for (int h = 0; h < 2; ++h)
      sum[h] = _mm512_fmadd_ps(w.even[h], even, _mm512_fmadd_ps(w.odd[h], odd, sum[h]));
  }
};

constexpr int kFp8AheadBytes = 8192;

template <class Products, int R>
void fp8_tile_avx512(const Fp8Tile& t) {
  constexpr int kGroupBytes = Products::Groups::kBytes;
  alignas(64) float total[R][kPanelRows] = {};
  const uint8_t *w = t.w, *x = t.groups;
  int64_t block = 0;
  for (int64_t line = 0; line < t.lines; line += t.block_lines, ++block) {
    __m512 sum[2][R][2];
    unrolled<R>([&](auto r) {
      sum[0][r][0] = sum[0][r][1] = sum[1][r][0] = sum[1][r][1] = _mm512_setzero_ps();
    });
    const int64_t lines = std::min(t.block_lines, t.lines - line);
    const uint8_t* const end = w + 64 * lines;  // an even number of lines, not 0
    do {
      unrolled<2>([&](auto parity) {
        _mm_prefetch(reinterpret_cast<const char*>(w + 64 * parity + kFp8AheadBytes), _MM_HINT_T0);
        const typename Products::Line codes(w + 64 * parity);
        unrolled<R>([&](auto r) {
          Products::add(sum[parity][r], codes, x + (parity * R + r) * kGroupBytes);
        });
      });
      w += 128, x += 2 * R * kGroupBytes;
    } while (w != end);
    unrolled<R>([&](auto r) {
      const __m512 rows01 = _mm512_add_ps(sum[0][r][0], sum[1][r][0]);
      const __m512 rows23 = _mm512_add_ps(sum[0][r][1], sum[1][r][1]);
      const __m512 all = _mm512_add_ps(_mm512_shuffle_ps(rows01, rows23, 0x88),
                                       _mm512_shuffle_ps(rows01, rows23, 0xdd));
      const __m512 factor = _mm512_set1_ps(fp8_factor(t, r, block));
      _mm512_store_ps(total[r], _mm512_fmadd_ps(all, factor, _mm512_load_ps(total[r])));
    });
  }
  const auto there = __mmask16(t.columns >= kPanelRows ? 0xffff : (1 << t.columns) - 1);
  for (int r = 0; r < R; ++r) {
    __m512 y = _mm512_load_ps(total[r]);
    if (t.scales.w_row) y = _mm512_mul_ps(y, _mm512_maskz_loadu_ps(there, t.scales.w_row));
    if (t.scales.x_row) y = _mm512_mul_ps(y, _mm512_set1_ps(t.scales.x_row[r]));
    const __mmask16 nan = _mm512_cmp_ps_mask(y, y, _CMP_UNORD_Q);
    y = _mm512_mask_mov_ps(y, nan, _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000)));
    _mm512_mask_storeu_ps(t.y + r * t.ldy, there, y);
  }
}

template <class Products, int R = 1>
void fp8_tile_avx512(int rows, const Fp8Tile& t) {
  if (rows == R) return fp8_tile_avx512<Products, R>(t);
  if constexpr (R < Products::kTokens) fp8_tile_avx512<Products, R + 1>(rows, t);
}

template <class Products, class Args>
void run_fp8_avx512(const Args& a, const Fp8Scales& s, const Exec& e) {
  run_fp8<typename Products::Groups, Products::kTokens>(
      a, s, e, fp8_copy_avx512<typename Products::Groups, Element<Args>>,
      [](int rows, const Fp8Tile& t) { fp8_tile_avx512<Products>(rows, t); });
}

}  // namespace
}  // namespace nibble::cpu
