// Rows of fp4 panels, one element at a time: what references of such ops multiply with.
#pragma once
#include <vector>

#include "nibble/numerics/fp4_sums.h"

namespace nibble {

struct Fp4Row {
  int block = 16;
  std::vector<int8_t> doubled;  // [k] 2 * element
  std::vector<float> scale;     // [k / block]

  // Row r of panels; the scales of blocks of 16 are e4m3, of blocks of 32 ue8m0.
  Fp4Row(const PanelLayout& l, const uint8_t* w, int64_t r, int k)
      : block(l.block), doubled(size_t(k)), scale(size_t(k / l.block)) {
    const uint8_t* panel = w + r / l.rows * l.panel_bytes(k);
    const int row = int(r % l.rows);
    for (int i = 0; i < k; ++i) {
      const uint8_t* tile = panel + int64_t(i / l.tile_k()) * l.tile_bytes();
      const int at = i % l.tile_k();
      const uint8_t code = uint8_t(tile[l.code_offset(row, at)] >> l.code_shift(at) & 15);
      doubled[size_t(i)] = int8_t(2 * to_float(e2m1{code}));
      const uint8_t byte = tile[l.scale_offset(row, at)];
      if (i % block == 0)
        scale[size_t(i / block)] = block == 16 ? to_float(e4m3{byte}) : to_float(ue8m0{byte});
    }
  }

  int32_t block_sum(int b, const int8_t* x) const {
    int32_t sum = 0;
    const int8_t *w = doubled.data() + b * block, *v = x + b * block;
    for (int i = 0; i < block; ++i) sum += w[i] * v[i];
    return sum;
  }

  // t of numerics/fp4_sums.h. The fma is made in double: the product is exact there, and where the
  // sum is not, its smaller part is too small to bring it near the middle between two floats.
  float sum(const int8_t* x) const {
    float t = 0;
    for (int b = 0; b < int(scale.size()); ++b)
      t = float(t + double(block_sum(b, x)) * scale[size_t(b)]);
    return t;
  }
};

// y of numerics/fp4_sums.h.
constexpr float fp4_scaled(float t, float w_scale, float x_scale) {
  const float y = t * 0.5f * (w_scale * x_scale);
  return y != y ? bit_cast<float>(kFp4Nan) : y;
}

}  // namespace nibble
