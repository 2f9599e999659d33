#include <cmath>

#include "nibble/cpu/panel_tasks.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/kernels.h"

namespace nibble::gemm_nvfp4_nvfp4 {
namespace {

constexpr int kRows = kPanels.rows;
constexpr int8_t kDoubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// Twice the values of a block of 16 rows, [column][row], and its scales.
struct Block {
  int16_t value[kBlock][kRows];
  float scale[kRows];

  Block(const uint8_t* tile, int block) {
    // A dword a row: bytes hold columns 0 to 3 in their low halves, 4 to 7 in the high ones.
    for (int q = 0; q < 2; ++q) {
      const uint8_t* codes = tile + kPanels.dword_offset(0, 2 * block + q);
      for (int r = 0; r < kRows; ++r)
        for (int i = 0; i < 4; ++i) {
          value[8 * q + i][r] = kDoubled[codes[4 * r + i] & 15];
          value[8 * q + 4 + i][r] = kDoubled[codes[4 * r + i] >> 4];
        }
    }
    for (int r = 0; r < kRows; ++r)
      scale[r] = to_float(e4m3{tile[kPanels.scale_offset(r, block * kBlock)]});
  }
};

void pack_row(const Args& a, int64_t i) {
  int8_t* to = a.packed_x + i * padded_k(a.k);
  for (int k = 0; k < a.k; k += 2) {
    const e2m1x2 pair = a.x[(i * a.ldx + k) / 2];
    to[k] = kDoubled[low(pair).bits], to[k + 1] = kDoubled[high(pair).bits];
  }
}

void panel(const Args& a, int64_t begin, int64_t end, int64_t p) {
  float acc[cpu::kTokenChunk][kRows] = {};
  const uint8_t* w = a.w + p * kPanels.panel_bytes(a.k);
  const int blocks = a.k / kBlock;
  for (int b = 0; b < blocks; ++b) {
    const Block block(w + b / 4 * kPanels.tile_bytes(), b % 4);
    for (int64_t i = begin; i < end; ++i) {
      const int8_t* x = a.packed_x + i * padded_k(a.k) + b * kBlock;
      const float factor = to_float(a.x_blocks[i * blocks + b]);
      int32_t sum[kRows] = {};
      for (int c = 0; c < kBlock; ++c)
        for (int r = 0; r < kRows; ++r) sum[r] += x[c] * block.value[c][r];
      float* to = acc[i - begin];
      for (int r = 0; r < kRows; ++r)
        to[r] = std::fma(float(sum[r]), block.scale[r] * factor, to[r]);
    }
  }
  for (int64_t i = begin; i < end; ++i)
    for (int r = 0; r < kRows && p * kRows + r < a.n; ++r) {
      const int64_t j = p * kRows + r;
      const float y = acc[i - begin][r] * 0.25f * a.w_scale[j] * a.x_scale[i];
      a.y[i * a.ldy + j] = is_nan(y) ? bit_cast<float>(kFloatQuietNaN) : y;
    }
}

void one_pair(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pack_row(a, i);
  });
  cpu::panel_tasks(e.pool, a.m, kPanels.panels(a.n), kPanels.panel_bytes(a.k),
                   [&](int64_t begin, int64_t end, int64_t p) { panel(a, begin, end, p); });
}

}  // namespace

void portable(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l) one_pair(entry(a, l), e);
}

}  // namespace nibble::gemm_nvfp4_nvfp4
