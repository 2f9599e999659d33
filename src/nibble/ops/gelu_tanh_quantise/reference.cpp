#include <vector>

#include "nibble/numerics/elementary.h"
#include "nibble/ops/gelu_tanh_quantise/gelu_tanh_quantise.h"

namespace nibble::gelu_tanh_quantise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols > kMaxCols)
    return Status::error("gelu_tanh_quantise: rows must be positive and cols at most 65536, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (a.ld < a.cols)
    return Status::error("gelu_tanh_quantise: ld must be at least cols, got " +
                         std::to_string(a.ld));
  if (!writable(a.x.type)) return Status::error("gelu_tanh_quantise: x must be f32 or bf16");
  if (!a.x.data) return Status::error("gelu_tanh_quantise: x must not be null");
  return encode_rows::check_encoded(name, a.cols, a.to);
}

void Op::buffers(Args& a, BufferVisitor& v) {
  visit(v, "x", a.x, (a.rows - 1) * a.ld + a.cols);
  encode_rows::visit(v, a.to, a.rows, a.cols);
}

void Op::reference(const Args& a) {
  std::vector<float> y;
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) {
      const float x = float_at(a.x, r * a.ld + c);
      const float inner = math::fma(0.044715f * (x * x), x, x);
      const float v = x * 0.5f * (1.0f + math::tanh(0.7978845608f * inner));
      y.push_back(a.round_bf16 ? to_float(to_bf16(v)) : v);
    }
  encode_rows::Op::reference({.rows = a.rows, .cols = a.cols, .x = y.data(), .to = a.to});
}

}  // namespace nibble::gelu_tanh_quantise
