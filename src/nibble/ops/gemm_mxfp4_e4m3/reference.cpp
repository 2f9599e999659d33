#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/numerics/panel_view.h"
#include "nibble/ops/gemm_mxfp4_e4m3/gemm_mxfp4_e4m3.h"

namespace nibble::gemm_mxfp4_e4m3 {

Status Op::check(const Args& a) {
  const auto got = [](int64_t v) { return ", got " + std::to_string(v); };
  if (a.m < 1) return Status::error("gemm_mxfp4_e4m3: m must be positive" + got(a.m));
  if (a.n < 1) return Status::error("gemm_mxfp4_e4m3: n must be positive" + got(a.n));
  if (a.k < kBlock || a.k % kBlock != 0)
    return Status::error("gemm_mxfp4_e4m3: k must be a positive multiple of 32" + got(a.k));
  if (a.x_block < kBlock || a.x_block % kBlock != 0)
    return Status::error("gemm_mxfp4_e4m3: x_block must be a positive multiple of 32" +
                         got(a.x_block));
  if (a.ldx < a.k) return Status::error("gemm_mxfp4_e4m3: ldx must be at least k" + got(a.ldx));
  if (a.ldy < a.n) return Status::error("gemm_mxfp4_e4m3: ldy must be at least n" + got(a.ldy));
  if (!a.w || !a.w_scale || !a.x || !a.x_scale || !a.y || !a.packed_x || !a.x_blocks)
    return Status::error("gemm_mxfp4_e4m3: no pointer may be null");
  for (const void* p : {static_cast<const void*>(a.w), static_cast<const void*>(a.packed_x),
                        static_cast<const void*>(a.x_blocks)})
    if (reinterpret_cast<uintptr_t>(p) % 64 != 0)
      return Status::error("gemm_mxfp4_e4m3: w and the workspaces must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("w", a.w, kPanels.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, a.n);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, a.m * a.x_scales());
  const int64_t results = (a.m - 1) * a.ldy + a.n;
  a.ldy == a.n ? v.out("y", a.y, results) : v.inout("y", a.y, results);
  v.workspace("packed_x", a.packed_x, a.m * padded_k(a.k), 64);
  v.workspace("x_blocks", a.x_blocks, a.m * padded_k(a.k) / kBlock, 64);
}

void Op::reference(const Args& a) {
  const Fp4Panels panels{kPanels, a.w, a.k};
  for (int j = 0; j < a.n; ++j)
    for (int64_t i = 0; i < a.m; ++i) {
      double sum = 0;
      for (int b = 0; b < a.k; b += kBlock) {
        double block = 0;
        for (int k = b; k < b + kBlock; ++k)
          block += double(to_float(panels.code(j, k))) * to_float(a.x[i * a.ldx + k]);
        const float x_scale = to_float(a.x_scale[i * a.x_scales() + b / a.x_block]);
        sum += block * double(to_float(ue8m0{panels.scale(j, b)}) * x_scale);
      }
      const auto y = float(sum * a.w_scale[j]);
      a.y[i * a.ldy + j] = is_nan(y) ? bit_cast<float>(kFloatQuietNaN) : y;
    }
}

// No partial sum is more than the sum of magnitudes; 16 sums of a block and k / 32 of blocks lose
// at most 2^-24 of it each, or half of the least float.
Tolerance Op::tolerance(const Args& a) {
  double token = 0;
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k) {
      const double scale = to_float(a.x_scale[i * a.x_scales() + k / a.x_block]);
      const double x = std::abs(to_float(a.x[i * a.ldx + k]) * scale);
      if (std::isfinite(x)) token = std::max(token, x);
    }
  const double row = greatest_row_sum<ue8m0>({kPanels, a.w, a.k}, a.n, a.w_scale);
  const double terms = double(a.k / kBlock) + 18;
  return {.abs = terms * (0x1p-24 * row * token + 0x1p-148), .rel = 0x1p-23};
}

}  // namespace nibble::gemm_mxfp4_e4m3
