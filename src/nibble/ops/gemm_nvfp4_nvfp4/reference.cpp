#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/numerics/panel_view.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/gemm_nvfp4_nvfp4.h"

namespace nibble::gemm_nvfp4_nvfp4 {
namespace {

double element(const Args& a, int64_t i, int k) {
  const e2m1x2 pair = a.x[(i * a.ldx + k) / 2];
  return double(to_float(k % 2 == 0 ? low(pair) : high(pair))) *
         to_float(a.x_blocks[i * (a.k / kBlock) + k / kBlock]);
}

void one_reference(const Args& a) {
  std::vector<double> x(size_t(a.m * a.k));
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k) x[size_t(i * a.k + k)] = element(a, i, k);
  for (int j = 0; j < a.n; ++j) {
    const std::vector<double> w = decoded_row<e4m3>({kPanels, a.w, a.k}, j);
    for (int64_t i = 0; i < a.m; ++i) {
      double sum = 0;
      for (int k = 0; k < a.k; ++k) sum += w[size_t(k)] * x[size_t(i * a.k + k)];
      const auto y = float(sum * a.w_scale[j] * a.x_scale[i]);
      a.y[i * a.ldy + j] = is_nan(y) ? bit_cast<float>(kFloatQuietNaN) : y;
    }
  }
}

// The greatest product of a row's magnitudes with a token's greatest.
double magnitude(const Args& a) {
  double token = 0;
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k) {
      const double x = std::abs(element(a, i, k) * a.x_scale[i]);
      if (std::isfinite(x)) token = std::max(token, x);
    }
  return token * greatest_row_sum<e4m3>({kPanels, a.w, a.k}, a.n, a.w_scale);
}

}  // namespace

Status Op::check(const Args& a) {
  const auto got = [](int64_t v) { return ", got " + std::to_string(v); };
  if (a.batch < 1) return Status::error("gemm_nvfp4_nvfp4: batch must be positive" + got(a.batch));
  if (a.m < 1) return Status::error("gemm_nvfp4_nvfp4: m must be positive" + got(a.m));
  if (a.n < 1) return Status::error("gemm_nvfp4_nvfp4: n must be positive" + got(a.n));
  if (a.k < kBlock || a.k % kBlock != 0)
    return Status::error("gemm_nvfp4_nvfp4: k must be a positive multiple of 16" + got(a.k));
  if (a.ldx < a.k || a.ldx % 2 != 0)
    return Status::error("gemm_nvfp4_nvfp4: ldx must be even and at least k" + got(a.ldx));
  if (a.ldy < a.n) return Status::error("gemm_nvfp4_nvfp4: ldy must be at least n" + got(a.ldy));
  if (!a.w || !a.w_scale || !a.x || !a.x_blocks || !a.x_scale || !a.y || !a.packed_x ||
      !a.block_sums || !a.block_scales)
    return Status::error("gemm_nvfp4_nvfp4: no pointer may be null");
  for (const void* p :
       {static_cast<const void*>(a.w), static_cast<const void*>(a.packed_x),
        static_cast<const void*>(a.block_sums), static_cast<const void*>(a.block_scales)})
    if (reinterpret_cast<uintptr_t>(p) % 64 != 0)
      return Status::error("gemm_nvfp4_nvfp4: w and the workspaces must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const int64_t tokens = a.batch * a.m;
  v.in("w", a.w, a.batch * kPanels.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, int64_t(a.batch) * a.n);
  v.in("x", a.x, ((tokens - 1) * a.ldx + a.k) / 2);
  v.in("x_blocks", a.x_blocks, tokens * a.k / kBlock);
  v.in("x_scale", a.x_scale, tokens);
  const int64_t results = (tokens - 1) * a.ldy + a.n;
  a.ldy == a.n ? v.out("y", a.y, results) : v.inout("y", a.y, results);
  v.workspace("packed_x", a.packed_x, a.m * padded_k(a.k), 64);
  v.workspace("block_sums", a.block_sums, a.m * padded_k(a.k) / kBlock, 64);
  v.workspace("block_scales", a.block_scales, a.m * padded_k(a.k) / kBlock, 64);
}

void Op::reference(const Args& a) {
  for (int64_t l = 0; l < a.batch; ++l) one_reference(entry(a, l));
}

// A partial sum is at most the sum of magnitudes, and so is what is lost in each of the k / 16 + 3
// roundings, times 2^-24. Rows that are not finite are compared by their bits.
Tolerance Op::tolerance(const Args& a) {
  double most = 0;
  for (int64_t l = 0; l < a.batch; ++l) most = std::max(most, magnitude(entry(a, l)));
  return {.abs = (a.k / kBlock + 3) * 0x1p-24 * most, .rel = 0x1p-23};
}

}  // namespace nibble::gemm_nvfp4_nvfp4
