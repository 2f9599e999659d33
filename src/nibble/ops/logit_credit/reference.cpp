#include <cmath>

#include "nibble/ops/logit_credit/logit_credit.h"

namespace nibble::logit_credit {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.lanes < 1 || a.n < 16 || a.n % 16 != 0)
    return Status::error(
        "logit_credit: rows and lanes must be positive and n a positive multiple of 16, got " +
        std::to_string(a.rows) + ", " + std::to_string(a.lanes) + " and " + std::to_string(a.n));
  if (!(a.s > 0) || a.s > 4)
    return Status::error("logit_credit: s must be in (0, 4], got " + std::to_string(a.s));
  if (!a.gradient || !a.noise || !a.target || !a.credit)
    return Status::error("logit_credit: gradient, noise, target and credit must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("gradient", a.gradient, a.rows * a.n);
  v.in("noise", a.noise, a.lanes * a.rows * a.n / 16);
  v.in("target", a.target, a.rows);
  v.out("credit", a.credit, a.lanes * a.rows);
}

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.lanes * a.rows; ++i) {
    const int64_t r = i % a.rows;
    const auto sign = [&](int j) {
      return (a.noise[i * a.n / 16 + j / 16] >> j % 16 & 1) != 0 ? 1.0 : -1.0;
    };
    double sum = 0;
    for (int j = 0; j < a.n; ++j) {
      const double p = double(a.gradient[r * a.n + j]) + (j == a.target[r]);
      sum += p * std::exp(a.s * sign(j));
    }
    a.credit[i] = float(std::log(sum) - a.s * sign(a.target[r]));
  }
}

}  // namespace nibble::logit_credit
