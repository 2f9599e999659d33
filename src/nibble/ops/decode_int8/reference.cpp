#include "nibble/ops/decode_int8/decode_int8.h"

namespace nibble::decode_int8 {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1)
    return Status::error("decode_int8: rows and cols must be positive, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!writable(a.y.type)) return Status::error("decode_int8: y must be f32 or bf16");
  if (!a.codes || !a.scales || !a.y.data)
    return Status::error("decode_int8: codes, scales and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("codes", a.codes, a.rows * a.cols);
  v.in("scales", a.scales, a.rows);
  visit(v, "y", a.y, a.rows * a.cols);
}

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.rows * a.cols; ++i)
    store_float(a.y, i, float(double(a.codes[i]) * double(a.scales[i / a.cols])));
}

}  // namespace nibble::decode_int8
