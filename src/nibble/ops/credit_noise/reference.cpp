#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "nibble/ops/credit_noise/credit_noise.h"

namespace nibble::credit_noise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.lanes < 1 || a.n < 16 || a.n % 16 != 0)
    return Status::error(
        "credit_noise: rows and lanes must be positive and n a positive multiple of 16, got " +
        std::to_string(a.rows) + ", " + std::to_string(a.lanes) + " and " + std::to_string(a.n));
  if (a.shift < 0 || a.shift > 24)
    return Status::error("credit_noise: shift must be in 0..24, got " + std::to_string(a.shift));
  if (a.ldz < a.n || a.ld_noise < a.n / 16)
    return Status::error("credit_noise: ldz must be at least n and ld_noise n / 16");
  if (a.lane_rows < a.rows) return Status::error("credit_noise: lane_rows must be at least rows");
  if (!a.credit || !a.noise || !a.z || !a.magnitude)
    return Status::error("credit_noise: credit, noise, z and magnitude must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("credit", a.credit, (a.lanes - 1) * a.lane_rows + a.rows);
  v.in("noise", a.noise, ((a.lanes - 1) * a.lane_rows + a.rows - 1) * a.ld_noise + a.n / 16);
  v.inout("z", a.z, (a.rows - 1) * a.ldz + a.n);
  v.inout("magnitude", a.magnitude, 1);
}

void Op::reference(const Args& a) {
  for (int64_t t = 0; t < a.rows; ++t)
    for (int j = 0; j < a.n; ++j) {
      int64_t sum = 0;
      for (int l = 0; l < a.lanes; ++l) {
        const uint16_t word = a.noise[(l * a.lane_rows + t) * a.ld_noise + j / 16];
        const int32_t c = a.credit[l * a.lane_rows + t];
        sum += (word >> j % 16 & 1) != 0 ? c : -c;
      }
      const double codes = std::nearbyint(std::ldexp(double(sum), -a.shift));
      const int z = int(std::clamp(codes, -127.0, 127.0));
      a.z[t * a.ldz + j] = int8_t(z);
      a.magnitude[0] += std::abs(z);
    }
}

}  // namespace nibble::credit_noise
