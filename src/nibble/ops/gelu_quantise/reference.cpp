#include <cmath>

#include "nibble/ops/gelu_quantise/gelu_quantise.h"

namespace nibble::gelu_quantise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1)
    return Status::error("gelu_quantise: rows and cols must be positive, got rows=" +
                         std::to_string(a.rows) + ", cols=" + std::to_string(a.cols));
  if (a.bias_rows < 0)
    return Status::error("gelu_quantise: bias_rows must not be negative, got " +
                         std::to_string(a.bias_rows));
  if ((a.bias_rows > 0) != (a.bias != nullptr))
    return Status::error("gelu_quantise: bias must be given exactly where bias_rows is positive");
  if (!a.sum || !a.y) return Status::error("gelu_quantise: sum and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("sum", a.sum, a.rows * a.cols);
  v.in("bias", a.bias, int64_t(a.bias_rows) * a.cols);
  v.out("y", a.y, a.rows * a.cols);
}

void Op::reference(const Args& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int j = 0; j < a.cols; ++j) {
      double u = double(a.sum_scale) * a.sum[r * a.cols + j];
      if (a.bias_rows) u += a.bias[r % a.bias_rows * a.cols + j];
      const double g = 0.5 * u * (1 + std::tanh(0.7978845608 * (u + 0.044715 * u * u * u)));
      const double rounded = std::nearbyint(a.out_scale * g);
      a.y[r * a.cols + j] = int8_t(std::fmin(std::fmax(rounded, -127), 127));
    }
}

}  // namespace nibble::gelu_quantise
