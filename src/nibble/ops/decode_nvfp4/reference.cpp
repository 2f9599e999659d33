#include "nibble/ops/decode_nvfp4/decode_nvfp4.h"

namespace nibble::decode_nvfp4 {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1 || a.cols % 16 != 0)
    return Status::error(
        "decode_nvfp4: rows must be positive and cols a positive multiple of 16, got " +
        std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!writable(a.y.type)) return Status::error("decode_nvfp4: y must be f32 or bf16");
  if (!a.codes || !a.scales || !a.decode || !a.y.data)
    return Status::error("decode_nvfp4: codes, scales, decode and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("codes", a.codes, a.rows * a.cols / 2);
  v.in("scales", a.scales, a.rows * a.cols / 16);
  v.in("decode", a.decode, a.per_row ? a.rows : 1);
  visit(v, "y", a.y, a.rows * a.cols);
}

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.rows * a.cols; ++i) {
    const e2m1x2 pair = a.codes[i / 2];
    const double element = to_float(i % 2 == 0 ? low(pair) : high(pair));
    const double exact =
        element * to_float(a.scales[i / 16]) * a.decode[a.per_row ? i / a.cols : 0];
    store_float(a.y, i, float(exact));
  }
}

}  // namespace nibble::decode_nvfp4
