#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/e4m3_scales_avx2.h"
#include "nibble/cpu/nvfp4_rows.h"
#include "nibble/cpu/panel_tasks.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/kernels.h"

namespace nibble::gemm_nvfp4_nvfp4 {
namespace {

constexpr int kTokens = 4;    // of a tile: 8 of 16 registers are sums
constexpr int kAhead = 8192;  // bytes: what memory delivers in 200 ns

// 16 columns of 16 rows, 2 e2m1 + 12, four to a register, 8 rows a half.
[[gnu::always_inline]] inline void decode(const uint8_t* codes, __m256i (&value)[2][4]) {
  const __m256i table = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
  const __m256i nibble = _mm256_set1_epi8(15);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m256i v = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes) + i);
    const __m256i upper = _mm256_srli_epi16(v, 4);
    value[i % 2][i / 2 * 2] = _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble));
    value[i % 2][i / 2 * 2 + 1] = _mm256_shuffle_epi8(table, _mm256_and_si256(upper, nibble));
  }
}
// Sums of products over 16 columns of 8 rows a half: pairs of 24 * 12 * 2 at most, four of them
// below 2^15.
[[gnu::always_inline]] inline void dot(const __m256i (&value)[2][4], const int8_t* x, int start,
                                       __m256i (&sum)[2]) {
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) {
    int32_t four;
    std::memcpy(&four, x + 4 * q, 4);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const __m256i pairs = _mm256_maddubs_epi16(value[half][q], _mm256_set1_epi32(four));
      sum[half] = q == 0 ? pairs : _mm256_add_epi16(sum[half], pairs);
    }
  }
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half)
    sum[half] = _mm256_add_epi32(_mm256_madd_epi16(sum[half], _mm256_set1_epi16(1)),
                                 _mm256_set1_epi32(start));
}

// R tokens from m on.
template <int R>
void tile(const Args& a, int64_t m, int64_t panel) {
  const int64_t ldx = padded_k(a.k), tiles = kPanels.tiles(a.k), blocks = 4 * tiles;
  const uint8_t* w = a.w + panel * kPanels.panel_bytes(a.k);
  const int8_t* x = a.packed_x + m * ldx;
  const int32_t* sums = a.block_sums + m * blocks;
  const float* factors = a.block_scales + m * blocks;
  __m256 acc[R][2] = {};
  cpu::NanRows nans;
  cpu::BlockScales scales;
  for (int64_t t = 0; t < tiles; ++t, w += kPanels.tile_bytes(), x += kPanels.tile_k()) {
#pragma GCC unroll 9
    for (int line = 0; line < 9; ++line)
      _mm_prefetch(reinterpret_cast<const char*>(w + kAhead + 64 * line), _MM_HINT_T0);
    cpu::e4m3_scales<true>(w, scales, nans);
    for (int b = 0; b < 4; ++b) {
      __m256i value[2][4];
      decode(w + kPanels.dword_offset(0, 2 * b), value);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        const int64_t at = r * blocks + 4 * t + b;
        __m256i sum[2];
        dot(value, x + r * ldx + kBlock * b, sums[at], sum);
        const __m256 factor = _mm256_set1_ps(factors[at]);
#pragma GCC unroll 2
        for (int half = 0; half < 2; ++half) {
          const __m256 scale = _mm256_mul_ps(_mm256_load_ps(scales.block[b] + 8 * half), factor);
          acc[r][half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[half]), scale, acc[r][half]);
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const int64_t row = 16 * panel + 8 * half, left = a.n - row;
      const __m256 sum =
          _mm256_mul_ps(nans.marked(half, acc[r][half]), _mm256_set1_ps(0.25f / cpu::kE4m3Lifted));
      const __m256 y = _mm256_mul_ps(_mm256_mul_ps(sum, cpu::load_rows(a.w_scale + row, left)),
                                     _mm256_set1_ps(a.x_scale[m + r]));
      cpu::store_rows(a.y + (m + r) * a.ldy + row, cpu::one_nan(y), left);
    }
}

void pack_row(const Args& a, int64_t i) {
  const int64_t blocks = padded_k(a.k) / kBlock;
  cpu::unpack_nvfp4_row(reinterpret_cast<const uint8_t*>(a.x + i * a.ldx / 2),
                        a.x_blocks + i * a.k / kBlock, a.k / kBlock, blocks,
                        a.packed_x + i * padded_k(a.k), a.block_sums + i * blocks,
                        a.block_scales + i * blocks);
}

void one_pair(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pack_row(a, i);
  });
  cpu::panel_tasks(e.pool, a.m, kPanels.panels(a.n), kPanels.panel_bytes(a.k),
                   [&](int64_t begin, int64_t end, int64_t panel) {
                     cpu::token_tiles<kTokens>(begin, end, [&](int64_t m, auto count) {
                       tile<decltype(count)::value>(a, m, panel);
                     });
                   });
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l) one_pair(entry(a, l), e);
}

}  // namespace nibble::gemm_nvfp4_nvfp4
