#include <vector>

#include "nibble/ops/quantise_rows/quantise_rows.h"

namespace nibble::quantise_rows {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1)
    return Status::error("quantise_rows: rows and cols must be positive, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (a.ldx < a.cols)
    return Status::error("quantise_rows: ldx must be at least cols, got " + std::to_string(a.ldx));
  if (!readable(a.x.type)) return Status::error("quantise_rows: x must be f32, bf16 or fp16");
  if (a.code != DType::i8 && a.code != DType::i16)
    return Status::error("quantise_rows: codes must be i8 or i16");
  if (!a.x.data || !a.scales) return Status::error("quantise_rows: no pointer may be null");
  if ((a.codes_s8 != nullptr) != (a.code == DType::i8) ||
      (a.codes_s16 != nullptr) != (a.code == DType::i16))
    return Status::error(
        "quantise_rows: one of codes_s8 and codes_s16 must be there, as code "
        "says");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  visit(v, "x", a.x, (a.rows - 1) * a.ldx + a.cols);
  v.out("codes_s8", a.codes_s8, a.code == DType::i8 ? a.rows * a.cols : 0);
  v.out("codes_s16", a.codes_s16, a.code == DType::i16 ? a.rows * a.cols : 0);
  v.out("scales", a.scales, a.rows);
}

void Op::reference(const Args& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    std::vector<float> x(size_t(a.cols));
    load_floats(a.x, r * a.ldx, a.cols, x.data());
    const float amax = amax_of(x.data(), a.cols);
    a.scales[r] = a.code == DType::i8 ? s8_scale(amax) : s16_scale(amax);
    for (int64_t c = 0; c < a.cols; ++c)
      if (a.code == DType::i8)
        a.codes_s8[r * a.cols + c] = s8_element(a.scales[r], x[size_t(c)]);
      else
        a.codes_s16[r * a.cols + c] = s16_element(a.scales[r], x[size_t(c)]);
  }
}

}  // namespace nibble::quantise_rows
