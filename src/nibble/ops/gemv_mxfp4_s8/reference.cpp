#include <algorithm>
#include <cmath>

#include "nibble/numerics/fp4_rows.h"
#include "nibble/ops/gemv_mxfp4_s8/gemv_mxfp4_s8.h"

namespace nibble::gemv_mxfp4_s8 {

Status Op::check(const Args& a) {
  if (a.m < 1 || a.m > cuda::tile::kPanelTokens || a.n < 1)
    return Status::error("gemv_mxfp4_s8: m must be 1 to 8 and n positive, got m=" +
                         std::to_string(a.m) + ", n=" + std::to_string(a.n));
  if (a.batch < 1 || a.batch > 32767)
    return Status::error("gemv_mxfp4_s8: batch must be 1 to 32767, got " + std::to_string(a.batch));
  if (a.k < 1 || a.k % 32 != 0)
    return Status::error("gemv_mxfp4_s8: k must be a positive multiple of 32, got " +
                         std::to_string(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error("gemv_mxfp4_s8: ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (!a.w || !a.w_scale || !a.x || !a.x_scale || !a.y)
    return Status::error("gemv_mxfp4_s8: w, w_scale, x, x_scale and y must not be null");
  if (!a.partial && cuda::tile::panel_partials(a.m, a.n) > 0)
    return Status::error("gemv_mxfp4_s8: partial must not be null for so few rows");
  if (reinterpret_cast<uintptr_t>(a.w) % 64 != 0)
    return Status::error("gemv_mxfp4_s8: w must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const int64_t rows = a.batch * a.m;
  v.in("w", a.w, a.batch * kLayout.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, a.batch * a.n);
  v.in("x", a.x, (rows - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, rows);
  v.inout("y", a.y, (rows - 1) * a.ldy + a.n);
  v.workspace("partial", a.partial, a.batch * cuda::tile::panel_partials(a.m, a.n));
}

namespace {

// sum S[b] * scale[b], and the sum of the magnitudes, for each token and row of weights.
template <class Use>
void each_sum(const Args& a, Use&& use) {
  const auto x = fp4_tokens(a.x, a.ldx, a.m, a.k);
  for (int j = 0; j < a.n; ++j) {
    const Fp4Row row(kLayout, a.w, j, a.k);
    for (int64_t i = 0; i < a.m; ++i) {
      double sum = 0, magnitudes = 0;
      for (size_t b = 0; b < row.scale.size(); ++b) {
        int32_t exact = 0;
        for (size_t k = 32 * b; k < 32 * b + 32; ++k)
          exact += row.doubled[k] * x[size_t(i * a.k) + k];
        sum += exact * double(row.scale[b]), magnitudes += std::abs(exact * double(row.scale[b]));
      }
      use(i, j, sum, magnitudes);
    }
  }
}

}  // namespace

void Op::reference(const Args& all) {
  for (int64_t l = 0; l < all.batch; ++l) {
    const Args a = entry(all, l);
    each_sum(a, [&](int64_t i, int j, double sum, double) {
      a.y[i * a.ldy + j] = fp4_one_nan(float(sum * 0.5 * a.w_scale[j] * a.x_scale[i]));
    });
  }
}

// Every addition rounds once, relative to a sum that is at most the sum of all magnitudes: a slot's
// blocks, its tree of three, the virtual warps; then both factors, and the reference's own
// rounding. Beside that half a step of the least float, which the factors may make larger.
Tolerance Op::tolerance(const Args& all) {
  const int64_t steps = cuda::tile::steps_of(all.k / 32);
  const int64_t warps = cuda::tile::used_warps(all.k / 32);
  const double roundings = double((steps + warps - 1) / warps + 3 + warps + 4);
  double most = 0, factor = 0;
  for (int64_t l = 0; l < all.batch; ++l) {
    const Args a = entry(all, l);
    each_sum(a, [&](int64_t i, int j, double, double magnitudes) {
      const double f = std::abs(double(a.w_scale[j]) * a.x_scale[i]);
      if (std::isfinite(magnitudes * f)) most = std::max(most, magnitudes * 0.5 * f);
      if (std::isfinite(f)) factor = std::max(factor, f);
    });
  }
  return {.abs = roundings * (0x1p-24 * most + 0x1p-149 * (1 + factor)), .rel = 0};
}

}  // namespace nibble::gemv_mxfp4_s8
