// s8_panels.h without vector instructions: a tile of a panel is decoded once for several rows.
#pragma once
#include "nibble/cpu/s8_panels.h"

namespace nibble::cpu {
namespace {

template <class Codes>
int decoded(uint32_t code) {
  if constexpr (Codes::kBias == Int8Codes::kBias) return int8_t(code);
  return int(code) - Codes::kBias;
}

// w[column][row] of a tile of 64 columns.
template <class Codes>
void decode_tile(const uint8_t* tile, int8_t (*w)[kPanelRows]) {
  constexpr PanelLayout l = Codes::kLayout;
  for (int q = 0; q < l.dwords(); ++q)
    for (int r = 0; r < kPanelRows; ++r)
      for (int d = 0; d < l.dword_k(); ++d) {
        const int at = l.dword_offset(r, q) + d % 4;
        const uint32_t code = tile[at] >> l.code_shift(d) & ((1u << l.code_bits()) - 1);
        w[q * l.dword_k() + d][r] = int8_t(decoded<Codes>(code));
      }
}

template <class Codes, class Args>
void run_s8_portable(const Args& a, const Exec& e) {
  constexpr auto l = Codes::kLayout;
  constexpr int kTokens = 8;
  parallel_for(e.pool, l.panels(a.n), 1, [&](int64_t panel, int64_t) {
    const int64_t column = panel * kPanelRows;
    const int columns = int(std::min<int64_t>(kPanelRows, a.n - column));
    for (int64_t m = 0; m < a.m; m += kTokens) {
      const int rows = int(std::min<int64_t>(kTokens, a.m - m));
      int32_t sum[kTokens][kPanelRows] = {};
      const uint8_t* tile = a.w + panel * l.panel_bytes(a.k);
      for (int k = 0; k < a.k; k += l.tile_k(), tile += l.tile_bytes()) {
        int8_t w[l.tile_k()][kPanelRows];
        decode_tile<Codes>(tile, w);
        for (int r = 0; r < rows; ++r)
          for (int c = 0; c < std::min(l.tile_k(), a.k - k); ++c)
            for (int j = 0; j < kPanelRows; ++j)
              sum[r][j] += a.x[(m + r) * a.ldx + k + c] * w[c][j];
      }
      for (int r = 0; r < rows; ++r)
        for (int j = 0; j < columns; ++j)
          a.y[(m + r) * a.ldy + column + j] =
              float(sum[r][j]) * a.w_scale[column + j] * a.x_scale[m + r];
    }
  });
}

}  // namespace
}  // namespace nibble::cpu
