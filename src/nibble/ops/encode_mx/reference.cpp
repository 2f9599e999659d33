#include "nibble/ops/encode_mx/encode_mx.h"

namespace nibble::encode_mx {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1 || a.cols % 32 != 0)
    return Status::error(
        "encode_mx: rows must be positive and cols a positive multiple of 32, got " +
        std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!readable(a.x.type)) return Status::error("encode_mx: x must be f32, bf16 or fp16");
  if (!a.x.data || !a.codes || !a.scales)
    return Status::error("encode_mx: x, codes and scales must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  visit(v, "x", a.x, a.rows * a.cols);
  v.out("codes", a.codes, a.rows * mx_row_bytes(a.format, a.cols));
  v.out("scales", a.scales, a.rows * a.cols / kMxBlock);
}

namespace {

template <class Element>
void encode(const Args& a) {
  for (int64_t i = 0; i < a.rows * a.cols; i += kMxBlock) {
    float x[kMxBlock];
    load_floats(a.x, i, kMxBlock, x);
    const ue8m0 scale = mx_scale<Element>(a.rule, amax_of(x, kMxBlock));
    a.scales[i / kMxBlock] = scale;
    for (int j = 0; j < kMxBlock; ++j) {
      const uint8_t code = mx_element<Element>(scale, x[j]).bits;
      if (a.format != MxFormat::e2m1)
        a.codes[i + j] = code;
      else if (j % 2 == 0)
        a.codes[(i + j) / 2] = code;
      else
        a.codes[(i + j) / 2] |= uint8_t(code << 4);
    }
  }
}

}  // namespace

void Op::reference(const Args& a) {
  if (a.format == MxFormat::e2m1) return encode<e2m1>(a);
  if (a.format == MxFormat::e4m3) return encode<e4m3>(a);
  encode<e5m2>(a);
}

}  // namespace nibble::encode_mx
