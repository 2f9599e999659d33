#include <vector>

#include "nibble/ops/encode_int8/encode_int8.h"

namespace nibble::encode_int8 {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1)
    return Status::error("encode_int8: rows and cols must be positive, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!readable(a.x.type)) return Status::error("encode_int8: x must be f32, bf16 or fp16");
  if (!a.x.data || !a.codes || !a.scales)
    return Status::error("encode_int8: x, codes and scales must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  visit(v, "x", a.x, a.rows * a.cols);
  v.out("codes", a.codes, a.rows * a.cols);
  v.out("scales", a.scales, a.rows);
}

void Op::reference(const Args& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    std::vector<float> x(size_t(a.cols));
    load_floats(a.x, r * a.cols, a.cols, x.data());
    a.scales[r] = s8_scale(amax_of(x.data(), a.cols));
    for (int64_t c = 0; c < a.cols; ++c)
      a.codes[r * a.cols + c] = s8_element(a.scales[r], x[size_t(c)]);
  }
}

}  // namespace nibble::encode_int8
