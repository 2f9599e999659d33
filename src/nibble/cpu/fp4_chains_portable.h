// fp4_chains.h in C++ alone: the products are exact, so a multiplication and an addition are an
// fma. x is float, in the order of columns.
#pragma once
#include <cmath>

#include "nibble/cpu/fp4_chains.h"
#include "nibble/cpu/panel_tasks.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::cpu {
namespace {

// A block of 16 rows: values [column][row], and scales. Scale is e4m3 or ue8m0.
template <int kBlock, class Scale>
struct PortableBlock {
  static constexpr PanelLayout kPanels{16, PanelCodes::fp4, kBlock};
  float value[kBlock][16], scale[16];

  PortableBlock(const uint8_t* tile, int block) {
    for (int c = 0; c < kBlock; ++c) {
      const int k = block * kBlock + c;
      const uint8_t* codes = tile + kPanels.code_offset(0, k);
      for (int r = 0; r < 16; ++r)
        value[c][r] = to_float(e2m1{uint8_t(codes[4 * r] >> kPanels.code_shift(k) & 15)});
    }
    for (int r = 0; r < 16; ++r)
      scale[r] = to_float(Scale{tile[kPanels.scale_offset(r, block * kBlock)]});
  }
};

template <int kBlock, class Scale>
void chains_panel(const Fp4Chains& p, int64_t begin, int64_t end, int64_t panel) {
  constexpr PanelLayout panels{16, PanelCodes::fp4, kBlock};
  const int64_t blocks = 4 * panels.tiles(p.k);
  const uint8_t* w = p.w + panel * panels.panel_bytes(p.k);
  float acc[kTokenChunk][16] = {};
  for (int64_t b = 0; b < blocks; ++b) {
    const PortableBlock<kBlock, Scale> block(w + b / 4 * panels.tile_bytes(), int(b % 4));
    for (int64_t i = begin; i < end; ++i) {
      const float* x = static_cast<const float*>(p.x) + i * p.ldx + b * kBlock;
      float sum[16] = {};
      for (int c = 0; c < kBlock; c += 16) {
        float chain[16] = {};
        for (int k = 0; k < 16; ++k) {
          const int column = c + k / 8 * 8 + kChainOrder[k % 8];
          for (int r = 0; r < 16; ++r) chain[r] += block.value[column][r] * x[column];
        }
        for (int r = 0; r < 16; ++r) sum[r] += chain[r];
      }
      const float factor = p.x_blocks ? p.x_blocks[i * blocks + b] : 1;
      float* to = acc[i - begin];
      for (int r = 0; r < 16; ++r) to[r] = std::fma(sum[r], block.scale[r] * factor, to[r]);
    }
  }
  for (int64_t i = begin; i < end; ++i)
    for (int r = 0; r < 16 && 16 * panel + r < p.n; ++r) {
      const int64_t row = 16 * panel + r;
      const float y =
          acc[i - begin][r] * p.factor * p.w_scale[row] * (p.x_scale ? p.x_scale[i] : 1.0f);
      p.y[i * p.ldy + row] = is_nan(y) ? bit_cast<float>(kFloatQuietNaN) : y;
    }
}

template <int kBlock, class Scale>
void multiply_chains(const Fp4Chains& p, Pool* pool) {
  constexpr PanelLayout panels{16, PanelCodes::fp4, kBlock};
  panel_tasks(pool, p.m, panels.panels(p.n), panels.panel_bytes(p.k),
              [&](int64_t begin, int64_t end, int64_t panel) {
                chains_panel<kBlock, Scale>(p, begin, end, panel);
              });
}

}  // namespace
}  // namespace nibble::cpu
