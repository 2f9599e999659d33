#include "nibble/cpu/fetch.h"
#include "nibble/cpu/panel_tasks.h"
#include "nibble/cpu/unrolled.h"
#include "nibble/ops/gemm_nvfp4_s16/ymm.h"

namespace nibble::gemm_nvfp4_s16 {
namespace {

constexpr int kTokens = 4;  // of a tile: 8 of 16 registers are sums

// Of a block: words of rows a and b, sums of products with high bytes and with low ones. Four pairs
// of products are at most 4 * 2 * 24 * 128 = 24576, which fits 16 bits.
struct Words {
  __m256i high_a, low_a, high_b, low_b;

  Words() = default;
  [[gnu::always_inline]] Words(const Values& v, const int8_t* x) {
    const __m256i high = broadcast4(x), low = broadcast4(x + kBlock);
    high_a = _mm256_maddubs_epi16(v.a, high), low_a = _mm256_maddubs_epi16(v.a, low);
    high_b = _mm256_maddubs_epi16(v.b, high), low_b = _mm256_maddubs_epi16(v.b, low);
  }
  [[gnu::always_inline]] void operator+=(const Words& p) {
    high_a = _mm256_add_epi16(high_a, p.high_a), low_a = _mm256_add_epi16(low_a, p.low_a);
    high_b = _mm256_add_epi16(high_b, p.high_b), low_b = _mm256_add_epi16(low_b, p.low_b);
    // Now. Left alone, the compiler makes all products first, and has no registers for them.
    __asm__ volatile("" : "+x"(high_a), "+x"(low_a), "+x"(high_b), "+x"(low_b));
  }
};

// A block's sums of 8 rows as floats, each exact.
[[gnu::always_inline]] inline __m256 widened(__m256i high, __m256i low, __m256i start,
                                             __m256i upper, __m256i one) {
  return _mm256_cvtepi32_ps(_mm256_add_epi32(
      _mm256_add_epi32(_mm256_madd_epi16(high, upper), start), _mm256_madd_epi16(low, one)));
}
[[gnu::always_inline]] inline void accumulate(const Words& words, int32_t sum_of_x,
                                              const float* scale, __m256i upper, __m256i one,
                                              __m256 (&acc)[2]) {
  const __m256i start = _mm256_set1_epi32(sum_of_x);
  acc[0] = _mm256_fmadd_ps(widened(words.high_a, words.low_a, start, upper, one),
                           _mm256_load_ps(scale), acc[0]);
  acc[1] = _mm256_fmadd_ps(widened(words.high_b, words.low_b, start, upper, one),
                           _mm256_load_ps(scale + 8), acc[1]);
}

// One token. Values are looked up one step ahead of the products that take them, so that these
// wait for no table.
void one_token(const Args& a, int64_t m, int64_t panel) {
  const int64_t blocks = padded_k(a.k) / kBlock;
  const uint8_t* w = a.w + panel * kPanels.panel_bytes(a.k);
  const int8_t* x = reinterpret_cast<const int8_t*>(a.packed_x + m * padded_k(a.k));
  const int32_t* sums = a.block_sums + m * blocks;
  __m256i upper = _mm256_set1_epi16(256), one = _mm256_set1_epi16(1);
  __asm__("" : "+x"(upper), "+x"(one));  // or they are made again in each tile
  __m256 acc[2] = {};
  cpu::NanRows nans;
  cpu::BlockScales scales;
  Eight codes(w + kFirstCodes);
  Values values = codes.values<0>();
  for (int64_t t = 0; t < blocks; t += 4, w += kPanels.tile_bytes()) {
    const uint8_t* after = t + 4 < blocks ? w + kPanels.tile_bytes() : w;  // the last: any
    cpu::fetch_ahead<kPanels.tile_bytes()>(w, kAheadBytes);
    cpu::unrolled<4>([&](auto b) __attribute__((always_inline)) {
      Words words;
      cpu::unrolled<4>([&](auto q) __attribute__((always_inline)) {
        const Words products(values, x + 4 * q);
        if constexpr (q % 2 == 0) {
          values = codes.values<1>();
        } else {
          constexpr int64_t next = kFirstCodes + kEightBytes * (2 * b + q / 2 + 1);
          codes = Eight(b == 3 && q == 3 ? after + kFirstCodes : w + next);
          values = codes.values<0>();
        }
        __asm__ volatile("" : "+x"(values.a), "+x"(values.b));  // now, as operator+= has it
        if constexpr (q == 0)
          words = products;
        else
          words += products;
      });
      if constexpr (b == 0) cpu::e4m3_scales<true>(w, scales, nans);
      accumulate(words, *sums++, scales.block[b], upper, one, acc);
      x += 2 * kBlock;
    });
  }
  put(a, m, panel, nans, acc);
}

// R > 1 tokens from m on.
template <int R>
void tile(const Args& a, int64_t m, int64_t panel) {
  const int64_t ldx = 2 * padded_k(a.k), blocks = padded_k(a.k) / kBlock;
  const uint8_t* w = a.w + panel * kPanels.panel_bytes(a.k);
  const int8_t* x = reinterpret_cast<const int8_t*>(a.packed_x) + m * ldx;
  const int32_t* sums = a.block_sums + m * blocks;
  const __m256i upper = _mm256_set1_epi16(256), one = _mm256_set1_epi16(1);
  __m256 acc[R][2] = {};
  cpu::NanRows nans;
  cpu::BlockScales scales;
  for (int64_t t = 0; t < blocks; t += 4, w += kPanels.tile_bytes()) {
    cpu::fetch_ahead<kPanels.tile_bytes()>(w);
    cpu::e4m3_scales<true>(w, scales, nans);
#pragma GCC unroll 4
    for (int b = 0; b < 4; ++b, x += 2 * kBlock, ++sums) {
      const uint8_t* codes = w + kFirstCodes + 2 * b * kEightBytes;
      const Eight first(codes), last(codes + kEightBytes);
      const Values v[4] = {first.values<0>(), first.values<1>(), last.values<0>(),
                           last.values<1>()};
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        Words words(v[0], x + r * ldx);
#pragma GCC unroll 3
        for (int q = 1; q < 4; ++q) words += Words(v[q], x + r * ldx + 4 * q);
        accumulate(words, sums[r * blocks], scales.block[b], upper, one, acc[r]);
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) put(a, m + r, panel, nans, acc[r]);
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pack_row(a, i, i * padded_k(a.k) / kBlock, 1);
  });
  cpu::panel_tasks(e.pool, a.m, kPanels.panels(a.n), kPanels.panel_bytes(a.k),
                   [&](int64_t begin, int64_t end, int64_t panel) {
                     cpu::token_tiles<kTokens>(begin, end, [&](int64_t m, auto count) {
                       constexpr int kCount = decltype(count)::value;
                       if constexpr (kCount == 1)
                         one_token(a, m, panel);
                       else
                         tile<kCount>(a, m, panel);
                     });
                   });
}

}  // namespace nibble::gemm_nvfp4_s16
