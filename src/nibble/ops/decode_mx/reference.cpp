#include "nibble/ops/decode_mx/decode_mx.h"

namespace nibble::decode_mx {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1 || a.cols % 32 != 0)
    return Status::error(
        "decode_mx: rows must be positive and cols a positive multiple of 32, got " +
        std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!writable(a.y.type)) return Status::error("decode_mx: y must be f32 or bf16");
  if (!a.codes || !a.scales || !a.y.data)
    return Status::error("decode_mx: codes, scales and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("codes", a.codes, a.rows * mx_row_bytes(a.format, a.cols));
  v.in("scales", a.scales, a.rows * a.cols / kMxBlock);
  visit(v, "y", a.y, a.rows * a.cols);
}

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.rows * a.cols; ++i) {
    const ue8m0 scale = a.scales[i / kMxBlock];
    if (a.format == MxFormat::e2m1) {
      const e2m1x2 pair{a.codes[i / 2]};
      store_float(a.y, i, mx_value(scale, i % 2 == 0 ? low(pair) : high(pair)));
    } else if (a.format == MxFormat::e4m3) {
      store_float(a.y, i, mx_value(scale, e4m3{a.codes[i]}));
    } else {
      store_float(a.y, i, mx_value(scale, e5m2{a.codes[i]}));
    }
  }
}

}  // namespace nibble::decode_mx
