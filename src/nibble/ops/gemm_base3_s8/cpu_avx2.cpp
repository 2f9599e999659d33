#include "nibble/cpu/s8_panels_avx2.h"
#include "nibble/ops/gemm_base3_s8/ordered.h"

namespace nibble::gemm_base3_s8 {
namespace {

constexpr int kTogether = 4;             // registers of 16 rows: 80 columns
constexpr int kStretch = 16;             // so many times 80 columns are decoded in one go
constexpr int kCodeBytes = 5 * 64;       // two bits each, of 16 x 80 weights
constexpr int kTokens = 4, kChunk = 32;  // of a tile; that meet what was decoded

// A byte's digits 0 to 3 as two bits each in `four`, digit 4 in `fifth`. b * 9^i mod 256, times 9,
// is two digits in the byte above: a number below 9 that a table splits. Bytes are multiplied as
// the upper halves of words, so that the lower halves of those products are what comes next.
struct Decoded {
  __m256i four, fifth;
};
[[gnu::always_inline]] inline Decoded decoded(__m256i bytes) {
  const __m256i nine = _mm256_set1_epi16(9), three = _mm256_set1_epi16(3);
  const auto upper = [](__m256i even, __m256i odd, __m256i by) __attribute__((always_inline)) {
    return _mm256_or_si256(_mm256_mulhi_epu16(even, by),
                           _mm256_slli_epi16(_mm256_mulhi_epu16(odd, by), 8));
  };
  // Of n = 3 d + e below 9: d in bits 0-1, e in bits 2-3; the second table is two places up.
  const __m256i pair =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 1, 5, 9, 2, 6, 10, 0, 0, 0, 0, 0, 0, 0));
  const __m256i next = _mm256_slli_epi16(pair, 4);
  __m256i even = _mm256_slli_epi16(bytes, 8);
  __m256i odd = _mm256_and_si256(bytes, _mm256_set1_epi16(int16_t(0xff00)));
  const __m256i first = upper(even, odd, nine);
  even = _mm256_mullo_epi16(even, nine), odd = _mm256_mullo_epi16(odd, nine);
  const __m256i second = upper(even, odd, nine);
  even = _mm256_mullo_epi16(even, nine), odd = _mm256_mullo_epi16(odd, nine);
  return {_mm256_or_si256(_mm256_shuffle_epi8(pair, first), _mm256_shuffle_epi8(next, second)),
          upper(even, odd, three)};
}

// 80 columns at a time, `count` times, to lines of two bits as gemm_ternary_s8 has them: digits 0
// to 3 of each register, then the digits 4 of all. Behind `end` digits are 0, and activations too.
void decode(const uint8_t* w, const uint8_t* end, int count, uint8_t* to) {
  for (int i = 0; i < count; ++i, to += kCodeBytes)
    for (int h = 0; h < 64; h += 32) {
      __m256i last = _mm256_setzero_si256();
      for (int q = 0; q < kTogether; ++q) {
        const uint8_t* from = w + (kTogether * i + q) * 64;
        Decoded d{_mm256_setzero_si256(), _mm256_setzero_si256()};
        if (from < end) {
          cpu::prefetch(from + 4096 + h);
          d = decoded(cpu::load256(from + h));
        }
        _mm256_store_si256(reinterpret_cast<__m256i*>(to + 64 * q + h), d.four);
        last = _mm256_or_si256(last, _mm256_sll_epi16(d.fifth, _mm_cvtsi32_si128(2 * q)));
      }
      _mm256_store_si256(reinterpret_cast<__m256i*>(to + 64 * kTogether + h), last);
    }
}

// Sums of a stretch for a tile of R tokens.
template <int R = 1>
void add_rows(int rows, const cpu::S8Tile& t, int32_t (*sum)[cpu::kPanelRows]) {
  if (rows == R)
    return cpu::ternary_rows(t, *reinterpret_cast<int32_t(*)[R][cpu::kPanelRows]>(sum));
  if constexpr (R < kTokens) add_rows<R + 1>(rows, t, sum);
}

// A panel for `count` tokens that lie at t.groups, tile after tile.
void panel_product(const cpu::S8Tile& t, int count, int64_t k) {
  const cpu::TokenTiles tiles{count, kTokens};
  alignas(64) uint8_t codes[kStretch * kCodeBytes];
  alignas(32) int32_t sum[kChunk][cpu::kPanelRows];
  for (int i = 0; i < count; ++i)
    for (int32_t& s : sum[i]) s = -t.sums[i];
  for (int64_t c = 0; c < k; c += kStretch * 80) {
    const int steps = int(std::min<int64_t>(kStretch, (k - c) / 80));
    decode(t.w + c / 20 * 64, t.w + t.panel_bytes, steps, codes);
    for (int64_t i = 0; i < tiles.count(); ++i) {
      const int64_t at = tiles.begin(i);
      const int rows = tiles.rows(i);
      add_rows(rows,
               {.w = codes,
                .panel_bytes = int64_t(steps) * kCodeBytes,
                .groups = t.groups + at * cpu::padded_k(k) + c * rows},
               sum + at);
    }
  }
  for (int i = 0; i < count; ++i)
    for (int j = 0; j < t.columns; ++j)
      t.y[i * t.ldy + j] = float(sum[i][j]) * t.w_scale[j] * t.x_scale[i];
}

void run(const Args& a, int64_t panel_bytes, const Exec& e) {
  const int64_t most = cpu::s8_block(a.m, a.k);
  const cpu::S8Rows x = cpu::s8_rows(a.scratch, most);
  for (int64_t block = 0; block < a.m; block += most) {
    const int64_t rows = std::min(most, a.m - block);
    cpu::each_tile_copy<kChunk>(rows, e.pool, [&](int64_t begin, int count) {
      const cpu::TokenTiles tiles{count, kTokens};
      for (int64_t i = 0; i < tiles.count(); ++i) {
        const int64_t at = begin + tiles.begin(i);
        cpu::s8_copy<false>(a.x + (block + at) * a.ldx, a.ldx, tiles.rows(i), a.k,
                            x.groups + at * cpu::padded_k(a.k), x.sums + at);
      }
    });
    cpu::each_tile<kChunk, 1>(
        rows, a.n, panel_bytes, e.pool, [&](int64_t begin, int count, int64_t panel, int panels) {
          panel_product(cpu::s8_tile(a, x, 4, block, begin, panel, panel_bytes, panels), count,
                        a.k);
        });
  }
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  const int64_t panel_bytes = kLayout.panel_bytes(a.k);
  for (int64_t l = 0; l < a.batch; ++l)
    run(ordered<kTogether>(entry(a, l), e.pool), panel_bytes, e);
}

}  // namespace nibble::gemm_base3_s8
