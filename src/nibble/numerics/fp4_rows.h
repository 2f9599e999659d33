// Rows of fp4 panels, one element at a time: what references of such ops multiply with.
#pragma once
#include <vector>

#include "nibble/numerics/fp4_sums.h"

namespace nibble {

// int16: compilers know how to multiply and add these.
struct Fp4Row {
  int block = 16;
  std::vector<int16_t> doubled;  // [k] 2 * element
  std::vector<float> scale;      // [k / block]

  // Row r of panels; the scales of blocks of 16 are e4m3, of blocks of 32 ue8m0.
  Fp4Row(const PanelLayout& l, const uint8_t* w, int64_t r, int k)
      : block(l.block), doubled(size_t(k)), scale(size_t(k / l.block)) {
    const uint8_t* panel = w + r / l.rows * l.panel_bytes(k);
    const int row = int(r % l.rows);
    for (int i = 0; i < k; ++i) {
      const uint8_t* tile = panel + int64_t(i / l.tile_k()) * l.tile_bytes();
      const int at = i % l.tile_k();
      const uint8_t code = uint8_t(tile[l.code_offset(row, at)] >> l.code_shift(at) & 15);
      doubled[size_t(i)] = int16_t(2 * to_float(e2m1{code}));
      const uint8_t byte = tile[l.scale_offset(row, at)];
      if (i % block == 0)
        scale[size_t(i / block)] = block == 16 ? to_float(e4m3{byte}) : to_float(ue8m0{byte});
    }
  }

  // t of numerics/fp4_sums.h. The fma is made in double: the product is exact there, and where the
  // sum is not, its smaller part is too small to bring it near the middle between two floats.
  // x_scale: of the token's blocks, if they have any.
  float sum(const int16_t* x, const float* x_scale = nullptr) const {
    return block == 16 ? sum_of<16>(x, x_scale) : sum_of<32>(x, x_scale);
  }

 private:
  template <int kBlock>
  float sum_of(const int16_t* x, const float* x_scale) const {
    const int16_t* w = doubled.data();
    float t = 0;
    for (const float s : scale) {
      int32_t exact = 0;
      for (int i = 0; i < kBlock; ++i) exact += w[i] * x[i];
      t = float(t + double(exact) * (x_scale ? s * *x_scale++ : s));
      w += kBlock, x += kBlock;
    }
    return t;
  }
};

// Tokens as a reference reads them, row by row of k.
inline std::vector<int16_t> fp4_tokens(const int8_t* x, int64_t ldx, int64_t m, int k) {
  std::vector<int16_t> all;
  for (int64_t i = 0; i < m; ++i) all.insert(all.end(), x + i * ldx, x + i * ldx + k);
  return all;
}

constexpr float fp4_one_nan(float y) { return y != y ? bit_cast<float>(kFp4Nan) : y; }
// y of numerics/fp4_sums.h.
constexpr float fp4_scaled(float t, float w_scale, float x_scale, float of_doubled = 0.5f) {
  return fp4_one_nan(t * of_doubled * (w_scale * x_scale));
}

// The tokens of an op's arguments, int8 or NVFP4.
template <class Args>
struct Fp4TokenRows {
  static constexpr bool kScaled = requires(const Args& a) { a.x_blocks; };
  const Args& a;
  std::vector<int16_t> x;    // [m][k], of NVFP4 twice the elements
  std::vector<float> scale;  // [m][k / 16], of NVFP4

  explicit Fp4TokenRows(const Args& args) : a(args) {
    if constexpr (kScaled) {
      for (int64_t i = 0; i < a.m * a.k; ++i) {
        const e2m1x2 pair = a.x[(i / a.k * a.ldx + i % a.k) / 2];
        x.push_back(int16_t(2 * to_float(i % 2 == 0 ? low(pair) : high(pair))));
      }
      for (int64_t i = 0; i < a.m * a.k / 16; ++i) scale.push_back(to_float(a.x_blocks[i]));
    } else {
      x = fp4_tokens(a.x, a.ldx, a.m, a.k);
    }
  }
  // y of token i.
  float product(const Fp4Row& row, float w_scale, int64_t i) const {
    const float* blocks = kScaled ? scale.data() + i * (a.k / 16) : nullptr;
    return fp4_scaled(row.sum(x.data() + i * a.k, blocks), w_scale, a.x_scale[i],
                      kScaled ? 0.25f : 0.5f);
  }
};

}  // namespace nibble
