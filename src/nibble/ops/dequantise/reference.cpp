#include "nibble/ops/dequantise/dequantise.h"

namespace nibble::dequantise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.n < 16 || a.n % 16 != 0)
    return Status::error("dequantise: rows must be positive and n a positive multiple of 16, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.n));
  if (a.every < 1 || a.phase < 0)
    return Status::error("dequantise: every must be positive and phase not negative");
  if (!a.acc || !a.y || a.with_noise != (a.noise != nullptr))
    return Status::error("dequantise: acc and y must not be null, noise as with_noise says");
  if (a.share < 1 || a.with_steps != (a.steps != nullptr) || (a.with_steps && !a.with_noise))
    return Status::error(
        "dequantise: share must be positive, steps as with_steps says, with noise");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("acc", a.acc, a.rows * a.n);
  v.in("noise", a.noise, a.with_noise ? (a.rows + a.share - 1) / a.share * a.n / 16 : 0);
  v.in("steps", a.steps, a.with_steps ? a.rows : 0);
  v.out("y", a.y, a.rows * a.n);
}

void Op::reference(const Args& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int j = 0; j < a.n; ++j) {
      const int64_t i = r * a.n + j;
      int32_t x = a.acc[i];
      if (a.noise && (r + a.phase) % a.every == 0)
        x += ((a.noise[r / a.share * (a.n / 16) + j / 16] >> j % 16 & 1) != 0 ? 1 : -1) *
             (a.steps ? a.steps[r] : a.step);
      a.y[i] = float(x) * a.scale;
    }
}

}  // namespace nibble::dequantise
