#include <cmath>
#include <vector>

#include "nibble/ops/gemm_fp8_e4m3/gemm_fp8_e4m3.h"

namespace nibble::gemm_fp8_e4m3 {
namespace {

float weight(const Args& a, int64_t j, int k) {
  const uint8_t* tile = a.w + j / kLayout.rows * kLayout.panel_bytes(a.k) +
                        k / kLayout.tile_k() * kLayout.tile_bytes();
  return to_float(e4m3{tile[kLayout.code_offset(int(j % kLayout.rows), k % kLayout.tile_k())]});
}
float activation(e4m3 x) { return to_float(x); }
float factor(const Args& a, int64_t i, int64_t j, int64_t block) {
  const int64_t blocks = cpu::fp8_blocks(a.k);
  float f = 1;
  if (a.w_factors == Factors::blocks) f = a.w_scale[j / cpu::kFp8Block * blocks + block];
  if (a.x_factors == Factors::blocks) f *= a.x_scale[i * blocks + block];
  return f;
}

// Of columns [begin, end), begin a multiple of 8: products are exact, sums are rounded.
float block_sum(const float* w, const float* x, int64_t begin, int64_t end) {
  float p[2][2] = {};
  for (int64_t k = begin; k < end; k += 2) {
    float& sum = p[k / 4 % 2][k / 2 % 2];
    sum = sum + w[k + 1] * x[k + 1];
    sum = sum + w[k] * x[k];
  }
  return (p[0][0] + p[1][0]) + (p[0][1] + p[1][1]);
}

}  // namespace

Status Op::check(const Args& a) {
  if (a.m < 1 || a.n < 1 || a.k < 1)
    return Status::error("gemm_fp8_e4m3: m, n and k must be positive, got " + std::to_string(a.m) +
                         ", " + std::to_string(a.n) + " and " + std::to_string(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error("gemm_fp8_e4m3: ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (!a.w || !a.x || !a.y || !a.scratch)
    return Status::error("gemm_fp8_e4m3: w, x, y and scratch must not be null");
  if ((a.w_scale == nullptr) != (a.w_factors == Factors::none))
    return Status::error("gemm_fp8_e4m3: w_scale must be there unless w_factors is none");
  if ((a.x_scale == nullptr) != (a.x_factors == Factors::none))
    return Status::error("gemm_fp8_e4m3: x_scale must be there unless x_factors is none");
  if (reinterpret_cast<uintptr_t>(a.w) % 64 != 0 ||
      reinterpret_cast<uintptr_t>(a.scratch) % 64 != 0)
    return Status::error("gemm_fp8_e4m3: w and scratch must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("w", a.w, kLayout.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, cpu::fp8_factors(a.w_factors, a.n, cpu::kFp8Block, a.k));
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, cpu::fp8_factors(a.x_factors, a.m, 1, a.k));
  v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("scratch", a.scratch, scratch_bytes(a.m, a.k), 64);
}

void Op::reference(const Args& a) {
  const int64_t padded = (a.k + 1) / 2 * 2;
  const bool blocked = a.w_factors == Factors::blocks || a.x_factors == Factors::blocks;
  const int64_t block = blocked ? cpu::kFp8Block : padded;
  std::vector<float> w(static_cast<size_t>(padded)), x(static_cast<size_t>(a.m * padded));
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k) x[size_t(i * padded + k)] = activation(a.x[i * a.ldx + k]);
  for (int64_t j = 0; j < a.n; ++j) {
    for (int k = 0; k < a.k; ++k) w[size_t(k)] = weight(a, j, k);
    for (int64_t i = 0; i < a.m; ++i) {
      float total = 0;
      for (int64_t k = 0; k < padded; k += block)
        total = std::fma(block_sum(w.data(), x.data() + i * padded, k, std::min(k + block, padded)),
                         factor(a, i, j, k / cpu::kFp8Block), total);
      float y = total;
      if (a.w_factors == Factors::rows) y *= a.w_scale[j];
      if (a.x_factors == Factors::rows) y *= a.x_scale[i];
      a.y[i * a.ldy + j] = std::isnan(y) ? bit_cast<float>(0x7fc00000u) : y;
    }
  }
}

}  // namespace nibble::gemm_fp8_e4m3
