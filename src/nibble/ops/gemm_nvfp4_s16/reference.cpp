#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_view.h"
#include "nibble/ops/gemm_nvfp4_s16/gemm_nvfp4_s16.h"

namespace nibble::gemm_nvfp4_s16 {
Status Op::check(const Args& a) {
  const auto got = [](int64_t v) { return ", got " + std::to_string(v); };
  if (a.m < 1) return Status::error("gemm_nvfp4_s16: m must be positive" + got(a.m));
  if (a.n < 1) return Status::error("gemm_nvfp4_s16: n must be positive" + got(a.n));
  if (a.k < kBlock || a.k % kBlock != 0)
    return Status::error("gemm_nvfp4_s16: k must be a positive multiple of 16" + got(a.k));
  if (a.ldx < a.k) return Status::error("gemm_nvfp4_s16: ldx must be at least k" + got(a.ldx));
  if (a.ldy < a.n) return Status::error("gemm_nvfp4_s16: ldy must be at least n" + got(a.ldy));
  if (!a.w || !a.w_scale || !a.x || !a.x_scale || !a.y || !a.packed_x || !a.block_sums)
    return Status::error("gemm_nvfp4_s16: no pointer may be null");
  for (const void* p : {static_cast<const void*>(a.w), static_cast<const void*>(a.packed_x),
                        static_cast<const void*>(a.block_sums)})
    if (reinterpret_cast<uintptr_t>(p) % 64 != 0)
      return Status::error("gemm_nvfp4_s16: w and the workspaces must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("w", a.w, kPanels.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, a.n);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, a.m);
  const int64_t results = (a.m - 1) * a.ldy + a.n;
  a.ldy == a.n ? v.out("y", a.y, results) : v.inout("y", a.y, results);
  v.workspace("packed_x", a.packed_x, a.m * padded_k(a.k), 64);
  v.workspace("block_sums", a.block_sums, a.m * padded_k(a.k) / kBlock, 64);
}

void Op::reference(const Args& a) {
  for (int j = 0; j < a.n; ++j) {
    const std::vector<double> w = decoded_row<e4m3>({kPanels, a.w, a.k}, j);
    for (int64_t i = 0; i < a.m; ++i) {
      double sum = 0;
      for (int k = 0; k < a.k; ++k) sum += w[size_t(k)] * a.x[i * a.ldx + k];
      const auto y = float(sum * a.w_scale[j] * a.x_scale[i]);
      a.y[i * a.ldy + j] = is_nan(y) ? bit_cast<float>(kFloatQuietNaN) : y;
    }
  }
}

// A partial sum is at most the sum of magnitudes, and so is what is lost in each of the k / 16 + 3
// roundings, times 2^-24. Rows that are not finite are compared by their bits.
Tolerance Op::tolerance(const Args& a) {
  const double row = greatest_row_sum<e4m3>({kPanels, a.w, a.k}, a.n, a.w_scale);
  double token = 0;
  for (int64_t i = 0; i < a.m; ++i) {
    int most = 0;
    for (int k = 0; k < a.k; ++k) most = std::max(most, std::abs(int(a.x[i * a.ldx + k])));
    const double greatest = most * double(std::abs(a.x_scale[i]));
    if (std::isfinite(greatest)) token = std::max(token, greatest);
  }
  return {.abs = (a.k / kBlock + 3) * 0x1p-24 * row * token, .rel = 0x1p-23};
}

}  // namespace nibble::gemm_nvfp4_s16
