// Panels of 4-bit codes (panel_layout.h) element by element: for references, portable kernels and
// test inputs.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble {

struct Fp4Panels {
  PanelLayout layout;
  const uint8_t* data = nullptr;
  int64_t k = 0;

  const uint8_t* tile(int64_t row, int64_t column) const {
    return data + row / layout.rows * layout.panel_bytes(k) +
           column / layout.tile_k() * layout.tile_bytes();
  }
  e2m1 code(int64_t row, int64_t column) const {
    const int r = int(row % layout.rows), c = int(column % layout.tile_k());
    return {uint8_t(tile(row, column)[layout.code_offset(r, c)] >> layout.code_shift(c) & 15)};
  }
  uint8_t scale(int64_t row, int64_t column) const {
    const int r = int(row % layout.rows), c = int(column % layout.tile_k());
    return tile(row, column)[layout.scale_offset(r, c)];
  }
};

// A row's elements times their scales, which are bytes of type Scale: e4m3 or ue8m0.
template <class Scale>
std::vector<double> decoded_row(const Fp4Panels& p, int64_t row) {
  std::vector<double> w(size_t(p.k));
  for (int64_t k = 0; k < p.k; ++k)
    w[size_t(k)] = double(to_float(p.code(row, k))) * to_float(Scale{p.scale(row, k)});
  return w;
}
// The greatest sum of magnitudes of a row, times its factor; of those that are finite. For bounds
// of errors: no partial sum of a product is greater, but for what it is multiplied with.
template <class Scale>
double greatest_row_sum(const Fp4Panels& p, int64_t n, const float* w_scale) {
  double greatest = 0;
  for (int64_t row = 0; row < n; ++row) {
    double sum = 0;
    for (double w : decoded_row<Scale>(p, row)) sum += std::abs(w);
    sum *= std::abs(w_scale[row]);
    if (std::isfinite(sum)) greatest = std::max(greatest, sum);
  }
  return greatest;
}

}  // namespace nibble
