#include "nibble/ops/rank1_noise/rank1_noise.h"

#include <algorithm>
#include <cmath>

namespace nibble::rank1_noise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.k < 16 || a.k % 16 != 0 || a.k > kMaxK)
    return Status::error(
        "rank1_noise: rows must be positive, k a positive multiple of 16 up to 65536, got " +
        std::to_string(a.rows) + " and " + std::to_string(a.k));
  if (a.ldx < 1) return Status::error("rank1_noise: ldx must be positive");
  if (!a.x || !a.f || !a.step) return Status::error("rank1_noise: x, f and step must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("x", a.x, (a.rows - 1) * a.ldx + a.k);
  v.in("f", a.f, a.k / 16);
  v.out("step", a.step, a.rows);
}

void Op::reference(const Args& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    int32_t sum = 0;
    for (int k = 0; k < a.k; ++k)
      sum += (a.f[k / 16] >> k % 16 & 1) != 0 ? a.x[r * a.ldx + k] : -a.x[r * a.ldx + k];
    a.step[r] = int32_t(std::nearbyint(std::clamp(float(sum) * a.unit, -0x1p24f, 0x1p24f)));
  }
}

}  // namespace nibble::rank1_noise
