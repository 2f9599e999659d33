#include "nibble/ops/toy_op/toy_op.h"

namespace nibble::toy_op {

Status Op::check(const Args& a) {
  if (a.n < 1) return Status::error("toy_op: n must be positive, got " + std::to_string(a.n));
  if (!a.x || !a.y) return Status::error("toy_op: x and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("x", a.x, a.n);
  v.out("y", a.y, a.n);
}

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.n; ++i) a.y[i] = int32_t(3.0 * a.x[i] + 1.0);
}

}  // namespace nibble::toy_op
