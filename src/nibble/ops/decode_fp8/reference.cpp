#include "nibble/ops/decode_fp8/decode_fp8.h"

namespace nibble::decode_fp8 {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1)
    return Status::error("decode_fp8: rows and cols must be positive, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!writable(a.y.type)) return Status::error("decode_fp8: y must be f32 or bf16");
  if (!a.codes || !a.y.data) return Status::error("decode_fp8: codes and y must not be null");
  if (a.ue8m0_scales != (a.scales_ue8m0 != nullptr) || a.ue8m0_scales != (a.scales == nullptr))
    return Status::error(
        "decode_fp8: one of scales and scales_ue8m0 must be there, as ue8m0_scales "
        "says");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  v.in("codes", a.codes, a.rows * a.cols);
  v.in("scales", a.scales, a.ue8m0_scales ? 0 : g.rows * g.cols);
  v.in("scales_ue8m0", a.scales_ue8m0, a.ue8m0_scales ? g.rows * g.cols : 0);
  visit(v, "y", a.y, a.rows * a.cols);
}

void Op::reference(const Args& a) {
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  for (int64_t i = 0; i < a.rows * a.cols; ++i) {
    const int64_t t = i / a.cols / g.tile_rows * g.cols + i % a.cols / g.tile_cols;
    const double scale = a.scales ? a.scales[t] : to_float(a.scales_ue8m0[t]);
    store_float(a.y, i, float(to_float(a.codes[i]) * scale));
  }
}

}  // namespace nibble::decode_fp8
