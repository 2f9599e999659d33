#include "nibble/cpu/fetch.h"
#include "nibble/cpu/panel_tasks.h"
#include "nibble/cpu/token_tiles.h"
#include "nibble/cpu/unrolled.h"
#include "nibble/ops/gemm_nvfp4_s16/ymm.h"

namespace nibble::gemm_nvfp4_s16 {
namespace {

// Of a tile. One costs a block 24 operations, of which 16 are products; to decode it costs 24.
constexpr int kTokens = 16;
constexpr int kChunk = 4;  // tiles, whose activations stay in L2 while panels go by

// Of a block: rows a and b, sums of products with high bytes and with low ones. vpdpbusd adds in
// int32 and does not saturate: 16 * 24 * 32639 = 12533376, and as much to take off again.
struct Sums {
  // By name, as in cpu/s8_panels_avx512.h.
  using Int8 = int32_t __attribute__((vector_size(32)));
  Int8 high_a, high_b, low_a, low_b;

  [[gnu::always_inline]] explicit Sums(int32_t sum_of_x) {
    high_a = high_b = Int8(_mm256_setzero_si256());
    low_a = low_b = Int8(_mm256_set1_epi32(sum_of_x));
  }
  [[gnu::always_inline]] void add(const Values& v, const int8_t* x) {
    const __m256i high = broadcast4(x), low = broadcast4(x + kBlock);
    high_a = Int8(_mm256_dpbusd_avx_epi32(__m256i(high_a), v.a, high));
    high_b = Int8(_mm256_dpbusd_avx_epi32(__m256i(high_b), v.b, high));
    low_a = Int8(_mm256_dpbusd_avx_epi32(__m256i(low_a), v.a, low));
    low_b = Int8(_mm256_dpbusd_avx_epi32(__m256i(low_b), v.b, low));
  }
  static __m256 of(Int8 high, Int8 low) {
    return _mm256_cvtepi32_ps(_mm256_add_epi32(_mm256_slli_epi32(__m256i(high), 8), __m256i(low)));
  }
  __m256 rows_a() const { return of(high_a, low_a); }
  __m256 rows_b() const { return of(high_b, low_b); }
};

// Tokens are packed tile by tile, in the order in which a panel meets them: of a block, all.
int64_t first_block(const Args& a, int64_t m) { return m * padded_k(a.k) / kBlock; }

void one_token(const Args& a, int64_t m, int64_t panel) {
  const int64_t blocks = padded_k(a.k) / kBlock;
  const uint8_t* w = a.w + panel * kPanels.panel_bytes(a.k);
  const int8_t* x = reinterpret_cast<const int8_t*>(a.packed_x) + 2 * kBlock * first_block(a, m);
  const int32_t* sums = a.block_sums + first_block(a, m);
  __m256 acc[2] = {};
  cpu::NanRows nans;
  cpu::BlockScales scales;
  for (int64_t t = 0; t < blocks; t += 4, w += kPanels.tile_bytes()) {
    cpu::fetch_ahead<kPanels.tile_bytes()>(w, kAheadBytes);
    cpu::e4m3_scales<true>(w, scales, nans);
    cpu::unrolled<4>([&](auto b) __attribute__((always_inline)) {
      const uint8_t* codes = w + kFirstCodes + 2 * b * kEightBytes;
      Sums sum(*sums++);
      cpu::unrolled<2>([&](auto e) __attribute__((always_inline)) {
        const Eight eight(codes + e * kEightBytes);
        sum.add(eight.values<0>(), x + 8 * e);
        sum.add(eight.values<1>(), x + 8 * e + 4);
      });
      acc[0] = _mm256_fmadd_ps(sum.rows_a(), _mm256_load_ps(scales.block[b]), acc[0]);
      acc[1] = _mm256_fmadd_ps(sum.rows_b(), _mm256_load_ps(scales.block[b] + 8), acc[1]);
      x += 2 * kBlock;
    });
  }
  put(a, m, panel, nans, acc);
}

// `tokens` from m on. A block's values stay in 8 registers while all tokens pass by, whose float
// sums are in memory: each is there long before it is asked for again.
void tile(const Args& a, int64_t m, int tokens, int64_t panel) {
  const int64_t blocks = padded_k(a.k) / kBlock;
  const uint8_t* w = a.w + panel * kPanels.panel_bytes(a.k);
  const int8_t* x = reinterpret_cast<const int8_t*>(a.packed_x) + 2 * kBlock * first_block(a, m);
  const int32_t* sums = a.block_sums + first_block(a, m);
  __m256 acc[kTokens][2];
  for (int r = 0; r < tokens; ++r) acc[r][0] = acc[r][1] = _mm256_setzero_ps();
  cpu::NanRows nans;
  cpu::BlockScales scales;
  for (int64_t t = 0; t < blocks; t += 4, w += kPanels.tile_bytes()) {
    cpu::fetch_ahead<kPanels.tile_bytes()>(w);
    cpu::e4m3_scales<true>(w, scales, nans);
    for (int b = 0; b < 4; ++b) {
      const uint8_t* codes = w + kFirstCodes + 2 * b * kEightBytes;
      const Eight first(codes), last(codes + kEightBytes);
      const Values v[4] = {first.values<0>(), first.values<1>(), last.values<0>(),
                           last.values<1>()};
      for (int r = 0; r < tokens; ++r, x += 2 * kBlock) {
        Sums sum(*sums++);
        cpu::unrolled<4>([&](auto q) __attribute__((always_inline)) { sum.add(v[q], x + 4 * q); });
        acc[r][0] = _mm256_fmadd_ps(sum.rows_a(), _mm256_load_ps(scales.block[b]), acc[r][0]);
        acc[r][1] = _mm256_fmadd_ps(sum.rows_b(), _mm256_load_ps(scales.block[b] + 8), acc[r][1]);
      }
    }
  }
  for (int r = 0; r < tokens; ++r) put(a, m + r, panel, nans, acc[r]);
}

}  // namespace

void avx_vnni(const Args& a, const Exec& e) {
  const cpu::TokenTiles tiles{a.m, kTokens};
  parallel_for(e.pool, tiles.count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int r = 0; r < tiles.rows(i); ++r)
        pack_row(a, tiles.begin(i) + r, first_block(a, tiles.begin(i)) + r, tiles.rows(i));
  });
  cpu::panel_tasks<1, kChunk>(e.pool, tiles.count(), kPanels.panels(a.n), kPanels.panel_bytes(a.k),
                              [&](int64_t begin, int64_t end, int64_t panel) {
                                for (int64_t i = begin; i < end; ++i)
                                  if (tiles.rows(i) == 1)
                                    one_token(a, tiles.begin(i), panel);
                                  else
                                    tile(a, tiles.begin(i), tiles.rows(i), panel);
                              });
}

}  // namespace nibble::gemm_nvfp4_s16
