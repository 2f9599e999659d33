#include "nibble/ops/sign_noise/sign_noise.h"

#include <algorithm>
#include <cmath>

namespace nibble::sign_noise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.n < 16 || a.n % 16 != 0 || a.k < 16 || a.k % 16 != 0 || a.k > kMaxK)
    return Status::error(
        "sign_noise: rows must be positive, n and k positive multiples of 16, k up to 65536, got " +
        std::to_string(a.rows) + ", " + std::to_string(a.n) + " and " + std::to_string(a.k));
  if (a.ldx < 1) return Status::error("sign_noise: ldx must be positive");
  if (!a.x || !a.e || !a.acc || !a.y)
    return Status::error("sign_noise: x, e, acc and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("x", a.x, (a.rows - 1) * a.ldx + a.k);
  v.in("e", a.e, sign_words(a.k, a.n));
  v.in("acc", a.acc, a.rows * a.n);
  v.out("y", a.y, a.rows * a.n);
}

void Op::reference(const Args& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int j = 0; j < a.n; ++j) {
      int32_t sum = 0;
      for (int k = 0; k < a.k; ++k) sum += a.x[r * a.ldx + k] * sign_at(a.e, a.k, k, j);
      const float step = std::clamp(float(sum) * a.unit, -0x1p24f, 0x1p24f);
      a.y[r * a.n + j] = a.acc[r * a.n + j] + int32_t(std::nearbyint(step));
    }
}

}  // namespace nibble::sign_noise
