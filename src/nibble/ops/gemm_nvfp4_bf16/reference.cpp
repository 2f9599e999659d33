#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_view.h"
#include "nibble/ops/gemm_nvfp4_bf16/gemm_nvfp4_bf16.h"

namespace nibble::gemm_nvfp4_bf16 {
namespace {

double element(const Args& a, int64_t i, int k) {
  const float x = to_float(a.x[i * a.ldx + k]);
  return std::abs(x) < cpu::kChainLeast ? 0 : x;
}

}  // namespace

Status Op::check(const Args& a) {
  const auto got = [](int64_t v) { return ", got " + std::to_string(v); };
  if (a.m < 1) return Status::error("gemm_nvfp4_bf16: m must be positive" + got(a.m));
  if (a.n < 1) return Status::error("gemm_nvfp4_bf16: n must be positive" + got(a.n));
  if (a.k < kBlock || a.k % kBlock != 0)
    return Status::error("gemm_nvfp4_bf16: k must be a positive multiple of 16" + got(a.k));
  if (a.ldx < a.k) return Status::error("gemm_nvfp4_bf16: ldx must be at least k" + got(a.ldx));
  if (a.ldy < a.n) return Status::error("gemm_nvfp4_bf16: ldy must be at least n" + got(a.ldy));
  if (!a.w || !a.w_scale || !a.x || !a.y || !a.packed_x)
    return Status::error("gemm_nvfp4_bf16: no pointer may be null");
  if (reinterpret_cast<uintptr_t>(a.w) % 64 != 0 ||
      reinterpret_cast<uintptr_t>(a.packed_x) % 64 != 0)
    return Status::error("gemm_nvfp4_bf16: w and the workspace must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("w", a.w, kPanels.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, a.n);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  const int64_t results = (a.m - 1) * a.ldy + a.n;
  a.ldy == a.n ? v.out("y", a.y, results) : v.inout("y", a.y, results);
  v.workspace("packed_x", a.packed_x, a.m * padded_k(a.k), 64);
}

void Op::reference(const Args& a) {
  for (int j = 0; j < a.n; ++j) {
    const std::vector<double> w = decoded_row<e4m3>({kPanels, a.w, a.k}, j);
    for (int64_t i = 0; i < a.m; ++i) {
      double sum = 0;
      for (int k = 0; k < a.k; ++k) sum += w[size_t(k)] * element(a, i, k);
      const auto y = float(sum * a.w_scale[j]);
      a.y[i * a.ldy + j] = is_nan(y) ? bit_cast<float>(kFloatQuietNaN) : y;
    }
  }
}

// No partial sum is more than the sum of magnitudes; 15 sums of a chain and k / 16 of chains lose
// at most 2^-24 of it each.
Tolerance Op::tolerance(const Args& a) {
  double token = 0;
  for (int64_t i = 0; i < a.m; ++i) {
    double most = 0;
    for (int k = 0; k < a.k; ++k) most = std::max(most, std::abs(element(a, i, k)));
    if (std::isfinite(most)) token = std::max(token, most);
  }
  const double row = greatest_row_sum<e4m3>({kPanels, a.w, a.k}, a.n, a.w_scale);
  return {.abs = (a.k / kBlock + 17) * 0x1p-24 * row * token, .rel = 0x1p-23};
}

}  // namespace nibble::gemm_nvfp4_bf16
