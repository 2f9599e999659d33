#include <cmath>
#include <vector>

#include "nibble/ops/norm_quantise/norm_quantise.h"

namespace nibble::norm_quantise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols > kMaxCols)
    return Status::error("norm_quantise: rows must be positive and cols at most 65536, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!writable(a.x.type) || !writable(a.gamma.type))
    return Status::error("norm_quantise: x and gamma must be f32 or bf16");
  if (!a.x.data) return Status::error("norm_quantise: x must not be null");
  if (a.with_gamma != (a.gamma.data != nullptr))
    return Status::error("norm_quantise: gamma must be there with_gamma, and only then");
  if (a.with_delta != (a.delta.data != nullptr) || a.with_delta != (a.sum.data != nullptr))
    return Status::error("norm_quantise: delta and sum must be there with_delta, and only then");
  if (a.with_delta && (a.delta.type != a.x.type || a.sum.type != a.x.type))
    return Status::error("norm_quantise: delta and sum must have the type of x");
  if (!(a.eps >= 0)) return Status::error("norm_quantise: eps must not be negative");
  return encode_rows::check_encoded(name, a.cols, a.to);
}

void Op::buffers(Args& a, BufferVisitor& v) {
  visit(v, "x", a.x, a.rows * a.cols);
  visit(v, "delta", a.delta, a.with_delta ? a.rows * a.cols : 0);
  visit(v, "sum", a.sum, a.with_delta ? a.rows * a.cols : 0);
  visit(v, "gamma", a.gamma, a.with_gamma ? a.cols : 0);
  encode_rows::visit(v, a.to, a.rows, a.cols);
}

void Op::reference(const Args& a) {
  std::vector<float> y(size_t(a.rows * a.cols));
  for (int64_t r = 0; r < a.rows; ++r) {
    float lane[16] = {};
    for (int64_t c = 0; c < a.cols; ++c) {
      const int64_t at = r * a.cols + c;
      float s = float_at(a.x, at);
      if (a.with_delta) {
        store_float(a.sum, at, s + float_at(a.delta, at));
        s = float_at(Floats(a.sum.type, a.sum.data), at);
      }
      lane[c % 16] =
          a.norm == Norm::rms ? std::fma(s, s, lane[c % 16]) : lane[c % 16] + std::fabs(s);
      y[size_t(at)] = s;
    }
    for (int half = 8; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
    const float mean = lane[0] / float(a.cols);
    const float divisor = a.norm == Norm::rms ? std::sqrt(mean + a.eps)
                          : mean < a.eps      ? a.eps
                                              : mean;
    for (int64_t c = 0; c < a.cols; ++c) {
      float& v = y[size_t(r * a.cols + c)];
      v *= 1 / divisor;
      if (a.with_gamma) v *= float_at(a.gamma, c);
      if (a.round_bf16) v = to_float(to_bf16(v));
    }
  }
  encode_rows::Op::reference({.rows = a.rows, .cols = a.cols, .x = y.data(), .to = a.to});
}

}  // namespace nibble::norm_quantise
