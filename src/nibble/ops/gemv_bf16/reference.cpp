#include <algorithm>
#include <cmath>

#include "nibble/ops/gemv_bf16/gemv_bf16.h"

namespace nibble::gemv_bf16 {
namespace {

// The sum in double, and that of the magnitudes, for each row of weights.
template <class Use>
void each_sum(const Args& a, Use&& use) {
  for (int64_t i = 0; i < int64_t(a.batch) * a.n; ++i) {
    const bf16 *w = a.w + i * a.k, *x = a.x + i / a.n * a.k;
    double sum = 0, magnitudes = 0;
    for (int k = 0; k < a.k; ++k) {
      const double product = double(to_float(w[k])) * to_float(x[k]);
      sum += product, magnitudes += std::abs(product);
    }
    use(i, sum, magnitudes);
  }
}

}  // namespace

Status Op::check(const Args& a) {
  if (a.n < 1 || a.k < kPiece || a.k % kPiece != 0)
    return Status::error("gemv_bf16: n must be positive and k a positive multiple of 8, got " +
                         std::to_string(a.n) + " and " + std::to_string(a.k));
  if (a.batch < 1 || a.batch > 32767)
    return Status::error("gemv_bf16: batch must be 1 to 32767, got " + std::to_string(a.batch));
  if (!a.w || !a.x || !a.y) return Status::error("gemv_bf16: w, x and y must not be null");
  if ((reinterpret_cast<uintptr_t>(a.w) | reinterpret_cast<uintptr_t>(a.x)) % 16 != 0)
    return Status::error("gemv_bf16: w and x must begin at multiples of 16 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const int64_t outputs = int64_t(a.batch) * a.n;
  v.in("w", a.w, outputs * a.k, 16);
  v.in("x", a.x, int64_t(a.batch) * a.k, 16);
  v.out("y", a.y, outputs);
}

void Op::reference(const Args& a) {
  each_sum(a, [&](int64_t i, double sum, double) {
    a.y[i] = std::isnan(sum) ? bit_cast<float>(0x7fc00000u) : float(sum);
  });
}

// Every addition rounds once, relative to a sum that is at most the sum of all magnitudes, or by
// half a subnormal step: a lane's columns, the tree of five, the reference's own rounding.
Tolerance Op::tolerance(const Args& a) {
  const int pieces = (a.k / kPiece + kLanes - 1) / kLanes;
  double most = 0;
  each_sum(a, [&](int64_t, double, double magnitudes) {
    if (std::isfinite(magnitudes)) most = std::max(most, magnitudes);
  });
  return {.abs = (pieces * kPiece + 5 + 1) * (0x1p-24 * most + 0x1p-149), .rel = 0};
}

}  // namespace nibble::gemv_bf16
