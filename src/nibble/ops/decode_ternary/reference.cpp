#include "nibble/ops/decode_ternary/decode_ternary.h"

namespace nibble::decode_ternary {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1)
    return Status::error("decode_ternary: rows and cols must be positive, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!writable(a.y.type)) return Status::error("decode_ternary: y must be f32 or bf16");
  if (!a.codes || !a.gamma || !a.y.data)
    return Status::error("decode_ternary: codes, gamma and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("codes", a.codes, a.rows * ternary_row_bytes(a.packing, a.cols));
  v.in("gamma", a.gamma, 1);
  visit(v, "y", a.y, a.rows * a.cols);
}

void Op::reference(const Args& a) {
  const int in_byte = ternaries_in_byte(a.packing);
  for (int64_t i = 0; i < a.rows * a.cols; ++i) {
    const int64_t r = i / a.cols, c = i % a.cols;
    const uint8_t byte = a.codes[r * ternary_row_bytes(a.packing, a.cols) + c / in_byte];
    store_float(a.y, i, float(ternary_at(a.packing, byte, int(c % in_byte))) * *a.gamma);
  }
}

}  // namespace nibble::decode_ternary
