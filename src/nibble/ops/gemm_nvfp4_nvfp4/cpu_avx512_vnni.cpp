#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/e4m3_scales_avx512.h"
#include "nibble/cpu/nvfp4_rows.h"
#include "nibble/cpu/panel_tasks.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/kernels.h"

namespace nibble::gemm_nvfp4_nvfp4 {
namespace {

constexpr int kTokens = 8;    // of a tile: 8 sums, 4 registers of values, 4 of scales, the table
constexpr int kAhead = 8192;  // bytes: what memory delivers in 200 ns

// 2 e2m1 + 12, for vpermb, which reads 6 bits of its index: a code and two of the next.
#define NIBBLE_SIXTEEN 12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0
alignas(64) constexpr uint8_t kUnsigned[64] = {NIBBLE_SIXTEEN, NIBBLE_SIXTEEN, NIBBLE_SIXTEEN,
                                               NIBBLE_SIXTEEN};
#undef NIBBLE_SIXTEEN

[[gnu::always_inline]] inline __m512i broadcast4(const int8_t* x) {
  int32_t four;
  std::memcpy(&four, x, 4);
  return _mm512_set1_epi32(four);
}

// R tokens from m on.
template <int R>
void tile(const Args& a, int64_t m, int64_t panel) {
  const __m512i table = _mm512_load_si512(kUnsigned);
  const int64_t ldx = padded_k(a.k), tiles = kPanels.tiles(a.k), blocks = 4 * tiles;
  const uint8_t* w = a.w + panel * kPanels.panel_bytes(a.k);
  const int8_t* x = a.packed_x + m * ldx;
  const int32_t* sums = a.block_sums + m * blocks;
  const float* factors = a.block_scales + m * blocks;
  __m512 acc[R] = {};
  for (int64_t t = 0; t < tiles; ++t, w += kPanels.tile_bytes(), x += kPanels.tile_k()) {
#pragma GCC unroll 9
    for (int line = 0; line < 9; ++line)
      _mm_prefetch(reinterpret_cast<const char*>(w + kAhead + 64 * line), _MM_HINT_T0);
    const cpu::BlockScales scales = cpu::e4m3_scales(w);
#pragma GCC unroll 4
    for (int b = 0; b < 4; ++b) {
      __m512i value[4];
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const __m512i codes = _mm512_load_si512(w + kPanels.dword_offset(0, 2 * b + half));
        value[2 * half] = _mm512_permutexvar_epi8(codes, table);
        value[2 * half + 1] = _mm512_permutexvar_epi8(_mm512_srli_epi16(codes, 4), table);
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const int64_t at = r * blocks + 4 * t + b;
        __m512i sum = _mm512_set1_epi32(sums[at]);
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q)
          sum = _mm512_dpbusd_epi32(sum, value[q], broadcast4(x + r * ldx + kBlock * b + 4 * q));
        acc[r] =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum),
                            _mm512_mul_ps(scales.block[b], _mm512_set1_ps(factors[at])), acc[r]);
      }
    }
  }
  const __mmask16 rows = cpu::panel_lanes(panel, a.n);
  const __m512 w_scale = _mm512_maskz_loadu_ps(rows, a.w_scale + 16 * panel);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const __m512 quarter = _mm512_mul_ps(acc[r], _mm512_set1_ps(0.25f));
    const __m512 y =
        _mm512_mul_ps(_mm512_mul_ps(quarter, w_scale), _mm512_set1_ps(a.x_scale[m + r]));
    _mm512_mask_storeu_ps(a.y + (m + r) * a.ldy + 16 * panel, rows, cpu::one_nan(y));
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

void avx512_vnni(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l) one_pair(entry(a, l), e);
}

}  // namespace nibble::gemm_nvfp4_nvfp4
