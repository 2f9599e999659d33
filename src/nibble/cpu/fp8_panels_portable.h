// Tiles of fp8_panels.h without vector instructions. A product of an e4m3 and a bf16 is exact, so
// a multiplication and an addition are what an fma is.
#pragma once
#include <cmath>

#include "nibble/cpu/fp8_panels.h"

namespace nibble::cpu {
namespace {

constexpr int kFp8PortableTokens = 4;

struct Fp8Values {
  float of[256];
  Fp8Values() {
    for (int code = 0; code < 256; ++code) of[code] = to_float(e4m3{uint8_t(code)});
  }
};

[[maybe_unused]] void fp8_tile_portable(const Fp8Values& values, int rows, const Fp8Tile& t) {
  constexpr int kTokens = kFp8PortableTokens;
  float total[kTokens][kPanelRows] = {};
  for (int64_t begin = 0, block = 0; begin < t.lines; begin += t.block_lines, ++block) {
    float sum[kTokens][2][2][kPanelRows] = {};  // [parity][columns (0, 1) or (2, 3)]
    for (int64_t q = begin; q < std::min(begin + t.block_lines, t.lines); ++q) {
      float w[4][kPanelRows];
      for (int j = 0; j < kPanelRows; ++j)
        for (int i = 0; i < 4; ++i) w[i][j] = values.of[t.w[64 * q + 4 * j + i]];
      for (int r = 0; r < rows; ++r) {
        float x[4];  // columns 1, 3, 0, 2
        std::memcpy(x, t.groups + (q * rows + r) * FloatGroups::kBytes, sizeof x);
        for (int p = 0; p < 2; ++p)
          for (int j = 0; j < kPanelRows; ++j) {
            float& to = sum[r][q % 2][p][j];
            to = to + w[2 * p + 1][j] * x[p];
            to = to + w[2 * p][j] * x[2 + p];
          }
      }
    }
    for (int r = 0; r < rows; ++r)
      for (int j = 0; j < kPanelRows; ++j) {
        const float first = sum[r][0][0][j] + sum[r][1][0][j];
        const float second = sum[r][0][1][j] + sum[r][1][1][j];
        total[r][j] = std::fma(first + second, fp8_factor(t, r, block), total[r][j]);
      }
  }
  for (int r = 0; r < rows; ++r)
    for (int j = 0; j < t.columns; ++j) fp8_store(t, r, j, total[r][j], false);
}

template <class Args>
void run_fp8_portable(const Args& a, const Fp8Scales& s, const Exec& e) {
  const Fp8Values values;
  run_fp8<FloatGroups, kFp8PortableTokens>(
      a, s, e, fp8_copy<FloatGroups, Element<Args>>,
      [&](int rows, const Fp8Tile& t) { fp8_tile_portable(values, rows, t); });
}

}  // namespace
}  // namespace nibble::cpu
