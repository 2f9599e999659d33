#include <algorithm>
#include <cmath>

#include "nibble/ops/relu2_quantise/relu2_quantise.h"

namespace nibble::relu2_quantise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.n < 16 || a.n % 16 != 0)
    return Status::error(
        "relu2_quantise: rows must be positive and n a positive multiple of 16, got " +
        std::to_string(a.rows) + " and " + std::to_string(a.n));
  if (!(a.unit > 0)) return Status::error("relu2_quantise: unit must be positive");
  if (a.step < 0) return Status::error("relu2_quantise: step must not be negative");
  if (!a.acc || !a.h || a.with_noise != (a.noise != nullptr))
    return Status::error("relu2_quantise: acc and h must not be null, noise as with_noise says");
  if (a.share < 1 || a.with_steps != (a.steps != nullptr) || (a.with_steps && !a.with_noise))
    return Status::error(
        "relu2_quantise: share must be positive, steps as with_steps says, with noise");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("acc", a.acc, a.rows * a.n);
  v.in("noise", a.noise, a.with_noise ? (a.rows + a.share - 1) / a.share * a.n / 16 : 0);
  v.in("steps", a.steps, a.with_steps ? a.rows : 0);
  v.out("h", a.h, a.rows * a.n);
}

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.rows * a.n; ++i) {
    int32_t x = a.acc[i];
    const int64_t r = i / a.n, bit = r / a.share * a.n + i % a.n;
    const int32_t step = a.steps ? a.steps[r] : a.step;
    if (a.noise) x += (a.noise[bit / 16] >> bit % 16 & 1) != 0 ? step : -step;
    const float u = float(std::max(x, 0)) * a.unit;
    a.h[i] = int8_t(std::nearbyint(std::min(u * u, 127.0f)));
  }
}

}  // namespace nibble::relu2_quantise
