#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/ops/gemv_fp8_bf16/gemv_fp8_bf16.h"

namespace nibble::gemv_fp8_bf16 {

Status Op::check(const Args& a) {
  if (a.m < 1 || a.m > cuda::tile::kPanelTokens || a.n < 1 || a.k < 1)
    return Status::error("gemv_fp8_bf16: m must be 1 to 8, n and k positive, got " +
                         std::to_string(a.m) + ", " + std::to_string(a.n) + " and " +
                         std::to_string(a.k));
  if (a.batch < 1 || a.batch > 32767)
    return Status::error("gemv_fp8_bf16: batch must be 1 to 32767, got " + std::to_string(a.batch));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error("gemv_fp8_bf16: ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (!a.w || !a.x || !a.y) return Status::error("gemv_fp8_bf16: w, x and y must not be null");
  if ((a.w_scale == nullptr) != (a.w_factors == Factors::none))
    return Status::error("gemv_fp8_bf16: w_scale must be there unless w_factors is none");
  if (!a.partial && cuda::tile::panel_partials(a.m, a.n) > 0)
    return Status::error("gemv_fp8_bf16: partial must not be null for so few rows");
  if (reinterpret_cast<uintptr_t>(a.w) % 64 != 0)
    return Status::error("gemv_fp8_bf16: w must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const int64_t rows = a.batch * a.m;
  v.in("w", a.w, a.batch * kLayout.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, a.batch * factors(a));
  v.in("x", a.x, (rows - 1) * a.ldx + a.k);
  v.inout("y", a.y, (rows - 1) * a.ldy + a.n);
  v.workspace("partial", a.partial, a.batch * cuda::tile::panel_partials(a.m, a.n));
}

namespace {

// The sum in double, and that of the magnitudes, for each token and row of weights.
template <class Use>
void each_sum(const Args& a, Use&& use) {
  std::vector<float> w(static_cast<size_t>(a.k));
  for (int j = 0; j < a.n; ++j) {
    decode_row(a, j, w.data());
    for (int64_t i = 0; i < a.m; ++i) {
      double sum = 0, magnitudes = 0;
      for (int k = 0; k < a.k;) {  // by units: an infinite factor keeps the sign of theirs
        const double factor = tile_factor(a, j, k);
        double unit = 0, most = 0;
        for (const int end = std::min(k + kUnit, a.k); k < end; ++k) {
          const double product = double(w[size_t(k)]) * to_float(a.x[i * a.ldx + k]);
          unit += product, most += std::abs(product);
        }
        sum += unit * factor, magnitudes += most * std::abs(factor);
      }
      use(i, j, sum * row_factor(a, j), magnitudes * std::abs(row_factor(a, j)));
    }
  }
}

}  // namespace

void Op::reference(const Args& all) {
  for (int64_t l = 0; l < all.batch; ++l) {
    const Args a = entry(all, l);
    each_sum(a, [&](int64_t i, int j, double sum, double) {
      a.y[i * a.ldy + j] = std::isnan(sum) ? bit_cast<float>(0x7fc00000u) : float(sum);
    });
  }
}

// Every addition rounds once, relative to a sum that is at most the sum of all magnitudes: a unit's
// columns, a slot's units, its tree of three, the virtual warps; then the row's factor, and the
// reference's own rounding.
Tolerance Op::tolerance(const Args& a) {
  const int64_t units = (a.k + kUnit - 1) / kUnit;
  const int64_t steps = cuda::tile::steps_of(units), warps = cuda::tile::used_warps(units);
  const double roundings = double(kUnit + (steps + warps - 1) / warps + 3 + warps + 2);
  double most = 0;
  for (int64_t l = 0; l < a.batch; ++l)
    each_sum(entry(a, l), [&](int64_t, int, double, double magnitudes) {
      if (std::isfinite(magnitudes)) most = std::max(most, magnitudes);
    });
  return {.abs = roundings * (0x1p-24 * most + 0x1p-149), .rel = 0};
}

}  // namespace nibble::gemv_fp8_bf16
