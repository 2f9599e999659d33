#include "nibble/ops/hadamard16/hadamard16.h"

namespace nibble::hadamard16 {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1 || a.cols % 16 != 0)
    return Status::error(
        "hadamard16: rows must be positive and cols a positive multiple of 16, got " +
        std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!readable(a.x.type) || !writable(a.y.type))
    return Status::error("hadamard16: x must be f32, bf16 or fp16, y f32 or bf16");
  if (!a.x.data || !a.y.data) return Status::error("hadamard16: x and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  visit(v, "x", a.x, a.rows * a.cols);
  visit(v, "y", a.y, a.rows * a.cols);
}

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.rows * a.cols; i += kHadamard) {
    float x[kHadamard];
    load_floats(a.x, i, kHadamard, x);
    hadamard_transform(a.signs, a.inverse, x);
    for (int j = 0; j < kHadamard; ++j) store_float(a.y, i + j, x[j]);
  }
}

}  // namespace nibble::hadamard16
