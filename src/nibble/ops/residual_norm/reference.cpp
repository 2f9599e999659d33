#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/ops/residual_norm/residual_norm.h"

namespace nibble::residual_norm {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.n < 16 || a.n % 16 != 0 || a.n > kMaxN)
    return Status::error(
        "residual_norm: rows must be positive and n a multiple of 16 up to 65536, got " +
        std::to_string(a.rows) + " and " + std::to_string(a.n));
  if (!a.with_acc && !a.with_norm)
    return Status::error("residual_norm: neither add nor norm is asked for");
  if (a.with_noise && !a.with_acc)
    return Status::error("residual_norm: noise is added to acc, which is not there");
  if (!a.x || a.with_acc != (a.acc && a.x_out) || a.with_noise != (a.noise != nullptr) ||
      a.with_norm != (a.y != nullptr))
    return Status::error("residual_norm: a buffer that the shape asks for is null, or the reverse");
  if (a.share < 1 || a.with_steps != (a.steps != nullptr) || (a.with_steps && !a.with_noise))
    return Status::error(
        "residual_norm: share must be positive, steps as with_steps says, with noise");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const int64_t size = a.rows * a.n;
  v.in("x", a.x, size);
  v.in("acc", a.acc, a.with_acc ? size : 0);
  v.in("noise", a.noise, a.with_noise ? (a.rows + a.share - 1) / a.share * a.n / 16 : 0);
  v.in("steps", a.steps, a.with_steps ? a.rows : 0);
  v.out("x_out", a.x_out, a.with_acc ? size : 0);
  v.out("y", a.y, a.with_norm ? size : 0);
}

void Op::reference(const Args& a) {
  std::vector<int> x(a.n);
  for (int64_t r = 0; r < a.rows; ++r) {
    int64_t sum = 0;
    for (int j = 0; j < a.n; ++j) {
      const int64_t i = r * a.n + j;
      x[j] = a.x[i];
      if (a.acc) {
        int32_t more = a.acc[i];
        const int64_t bit = r / a.share * a.n + j;
        const int32_t step = a.steps ? a.steps[r] : a.step;
        if (a.noise) more += (a.noise[bit / 16] >> bit % 16 & 1) != 0 ? step : -step;
        const float codes = std::clamp(float(more) * a.scale, -254.0f, 254.0f);
        x[j] = std::clamp(x[j] + int(std::nearbyint(codes)), -127, 127);
        a.x_out[i] = int8_t(x[j]);
      }
      sum += std::abs(x[j]);
    }
    const float factor = (a.mean_code * float(a.n)) / float(std::max<int64_t>(sum, a.n));
    for (int j = 0; a.y && j < a.n; ++j)
      a.y[r * a.n + j] = int8_t(std::nearbyint(std::clamp(float(x[j]) * factor, -127.0f, 127.0f)));
  }
}

}  // namespace nibble::residual_norm
