#include <vector>

#include "nibble/numerics/elementary.h"
#include "nibble/ops/silu_mul_quantise/silu_mul_quantise.h"

namespace nibble::silu_mul_quantise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols > kMaxCols)
    return Status::error("silu_mul_quantise: rows must be positive and cols at most 65536, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (a.ld < a.cols)
    return Status::error("silu_mul_quantise: ld must be at least cols, got " +
                         std::to_string(a.ld));
  if (!writable(a.gate.type) || a.gate.type != a.up.type)
    return Status::error("silu_mul_quantise: gate and up must both be f32 or both bf16");
  if (!a.gate.data || !a.up.data)
    return Status::error("silu_mul_quantise: gate and up must not be null");
  return encode_rows::check_encoded(name, a.cols, a.to);
}

void Op::buffers(Args& a, BufferVisitor& v) {
  visit(v, "gate", a.gate, (a.rows - 1) * a.ld + a.cols);
  visit(v, "up", a.up, (a.rows - 1) * a.ld + a.cols);
  encode_rows::visit(v, a.to, a.rows, a.cols);
}

void Op::reference(const Args& a) {
  std::vector<float> y;
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) {
      const float g = float_at(a.gate, r * a.ld + c), u = float_at(a.up, r * a.ld + c);
      const float v = g * math::sigmoid(g) * u;
      y.push_back(a.round_bf16 ? to_float(to_bf16(v)) : v);
    }
  encode_rows::Op::reference({.rows = a.rows, .cols = a.cols, .x = y.data(), .to = a.to});
}

}  // namespace nibble::silu_mul_quantise
