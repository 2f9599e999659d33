#include <algorithm>

#include "nibble/ops/encode_ternary/encode_ternary.h"

namespace nibble::encode_ternary {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1)
    return Status::error("encode_ternary: rows and cols must be positive, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!readable(a.x.type)) return Status::error("encode_ternary: x must be f32, bf16 or fp16");
  if (!a.x.data || !a.gamma || !a.codes)
    return Status::error("encode_ternary: x, gamma and codes must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  visit(v, "x", a.x, a.rows * a.cols);
  v.in("gamma", a.gamma, 1);
  v.out("codes", a.codes, a.rows * ternary_row_bytes(a.packing, a.cols));
}

void Op::reference(const Args& a) {
  const int in_byte = ternaries_in_byte(a.packing);
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; c += in_byte) {
      int8_t w[5] = {};
      const int count = int(std::min<int64_t>(in_byte, a.cols - c));
      for (int j = 0; j < count; ++j)
        w[j] = int8_t(ternary_element(*a.gamma, float_at(a.x, r * a.cols + c + j)));
      a.codes[r * ternary_row_bytes(a.packing, a.cols) + c / in_byte] =
          pack_ternaries(a.packing, w, count);
    }
}

}  // namespace nibble::encode_ternary
