#include "nibble/ops/rank1_noise/rank1_noise.h"

#include <algorithm>
#include <cmath>

namespace nibble::rank1_noise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.n < 16 || a.n % 16 != 0 || a.k < 16 || a.k % 16 != 0 || a.k > kMaxK)
    return Status::error(
        "rank1_noise: rows must be positive, n and k positive multiples of 16, k <= 65536, got " +
        std::to_string(a.rows) + ", " + std::to_string(a.n) + " and " + std::to_string(a.k));
  if (a.ldx < 1) return Status::error("rank1_noise: ldx must be positive");
  if (!a.x || !a.e || !a.f || !a.acc || !a.y)
    return Status::error("rank1_noise: x, e, f, acc and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("x", a.x, (a.rows - 1) * a.ldx + a.k);
  v.in("e", a.e, a.n / 16);
  v.in("f", a.f, a.k / 16);
  v.in("acc", a.acc, a.rows * a.n);
  v.out("y", a.y, a.rows * a.n);
}

void Op::reference(const Args& a) {
  const auto sign = [](const uint16_t* bits, int i) {
    return (bits[i / 16] >> i % 16 & 1) != 0 ? 1 : -1;
  };
  for (int64_t r = 0; r < a.rows; ++r) {
    int32_t sum = 0;
    for (int k = 0; k < a.k; ++k) sum += sign(a.f, k) * a.x[r * a.ldx + k];
    const float step = std::clamp(float(sum) * a.unit, -0x1p24f, 0x1p24f);
    for (int j = 0; j < a.n; ++j)
      a.y[r * a.n + j] = a.acc[r * a.n + j] + sign(a.e, j) * int32_t(std::nearbyint(step));
  }
}

}  // namespace nibble::rank1_noise
