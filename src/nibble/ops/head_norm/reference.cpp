#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/numerics/reduce.h"
#include "nibble/ops/head_norm/head_norm.h"

namespace nibble::head_norm {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.heads < 1 || a.head_dim < 16 || a.head_dim % 16 != 0)
    return Status::error(
        "head_norm: rows and heads must be positive and head_dim a positive multiple of 16, got " +
        std::to_string(a.rows) + ", " + std::to_string(a.heads) + " and " +
        std::to_string(a.head_dim));
  if (!(a.floor > 0)) return Status::error("head_norm: floor must be positive");
  if (!a.x || !a.y) return Status::error("head_norm: x and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const int64_t size = a.rows * a.heads * a.head_dim;
  v.in("x", a.x, size);
  v.out("y", a.y, size);
}

void Op::reference(const Args& a) {
  std::vector<float> magnitude(a.head_dim);
  for (int64_t h = 0; h < a.rows * a.heads; ++h) {
    const float* x = a.x + h * a.head_dim;
    for (int d = 0; d < a.head_dim; ++d) magnitude[d] = std::abs(x[d]);
    const float sum = reduce::sum(magnitude.data(), a.head_dim);
    const float factor =
        (a.mean_code * float(a.head_dim)) / std::max(sum, a.floor * float(a.head_dim));
    for (int d = 0; d < a.head_dim; ++d)
      a.y[h * a.head_dim + d] = int32_t(std::nearbyint(std::clamp(x[d] * factor, -127.0f, 127.0f)));
  }
}

}  // namespace nibble::head_norm
