// Plain C++, the order of operations that the contract promises: what the CUDA variants are held to
// bit by bit, and what runs where there is no GPU.
#include <algorithm>
#include <array>
#include <cmath>

#include "nibble/cuda/tile/gemv_plan.h"
#include "nibble/ops/gemv_nvfp4_fp16/kernels.h"

namespace nibble::gemv_nvfp4_fp16 {
namespace {

using cuda::tile::kChunk;
using cuda::tile::kLaneElements;
using cuda::tile::kVirtualWarps;

// fma of halves. In double it is exact before the one rounding: a product has 13 bits down to
// 2^-25, a half reaches from 2^-24 to 2^16.
float fma_fp16(float a, float b, float c) { return to_float(to_fp16(double(a) * b + c)); }

// Of x times a power of two.
float block_dot(const Args& a, const e2m1x2* row, const fp16* x, int k0, float by) {
  float half[2] = {0, 0};
  for (int i = 0; i < 16; ++i) {
    const float xi = to_float(to_fp16(to_float(x[k0 + i]) * by));
    half[i % 2] = fma_fp16(code_value(row, k0 + i, a.order), xi, half[i % 2]);
  }
  return half[0] + half[1];
}
float block_dot(const Args& a, const e2m1x2* row, const fp16* x, int k0) {
  const float sum = block_dot(a, row, x, k0, 1);
  return std::isfinite(sum) ? sum : block_dot(a, row, x, k0, 0x1p-6f) * 64;
}

float dot(const Args& a, int64_t l, int64_t r, const fp16* x) {
  const e2m1x2* row = a.w + (l * a.m + r) * (a.k / 2);
  const e4m3* scales = a.scale + l * scale_bytes(a.layout, a.m, a.k / 16);
  float total = 0;
  for (int v = 0; v < cuda::tile::virtual_warps(a.k); ++v) {
    std::array<float, 32> lane{};
    for (int chunk = v * kChunk; chunk < a.k; chunk += kVirtualWarps * kChunk)
      for (int block = chunk / 16; block < std::min(a.k, chunk + kChunk) / 16; ++block) {
        float& to = lane[size_t(block % (kChunk / 16) / (kLaneElements / 16))];
        const float scale = to_float(scales[scale_offset(a.layout, r, block, a.k / 16)]);
        to = __builtin_fmaf(block_dot(a, row, x, block * 16), scale, to);
      }
    for (size_t d = 16; d > 0; d /= 2)
      for (size_t i = 0; i < d; ++i) lane[i] += lane[i + d];
    total += lane[0];
  }
  return total;
}

}  // namespace

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.batch * a.m, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t j = 0; j < a.rows; ++j) {
        const int64_t l = i / a.m, r = i % a.m;
        const float sum = a.alpha * dot(a, l, r, a.x + (l * a.rows + j) * a.k);
        a.y[(l * a.rows + j) * a.m + r] = sum != sum ? fp16{0x7fff} : to_fp16(sum);
      }
  });
}

}  // namespace nibble::gemv_nvfp4_fp16
