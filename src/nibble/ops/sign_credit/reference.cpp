#include <cstdlib>

#include "nibble/ops/sign_credit/kernels.h"

namespace nibble::sign_credit {

Status Op::check(const Args& a) {
  if (a.perturbations < 1 || a.n < 16 || a.n % 16 != 0 || a.k < 16 || a.k % 16 != 0)
    return Status::error(
        "sign_credit: perturbations must be positive, k and n positive multiples of 16, got " +
        std::to_string(a.perturbations) + ", " + std::to_string(a.k) + " and " +
        std::to_string(a.n));
  if (a.columns <= a.n - 16 || a.columns > a.n)
    return Status::error("sign_credit: columns must be in n - 15 .. n, got " +
                         std::to_string(a.columns));
  if (a.shift < 0 || a.shift > 24)
    return Status::error("sign_credit: shift must be in 0..24, got " + std::to_string(a.shift));
  if (!a.credit || !a.e || !a.g || !a.magnitude)
    return Status::error("sign_credit: credit, e, g and magnitude must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("credit", a.credit, a.perturbations);
  v.in("e", a.e, a.perturbations * sign_words(a.k, a.n));
  v.inout("g", a.g, int64_t(a.k) * a.n);
  v.inout("magnitude", a.magnitude, 1);
}

void Op::reference(const Args& a) {
  for (int p = 0; p < a.perturbations; ++p) {
    const double codes = std::nearbyint(std::ldexp(double(a.credit[p]), -a.shift));
    const int z = int(std::clamp(codes, -127.0, 127.0));
    const uint16_t* e = a.e + p * sign_words(a.k, a.n);
    for (int k = 0; k < a.k; ++k)
      for (int j = 0; j < a.columns; ++j) a.g[int64_t(k) * a.n + j] += z * sign_at(e, a.k, k, j);
    a.magnitude[0] += int64_t(std::abs(z)) * a.n;
  }
}

}  // namespace nibble::sign_credit
