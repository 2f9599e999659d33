#include <vector>

#include "nibble/ops/encode_fp8/encode_fp8.h"

namespace nibble::encode_fp8 {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1)
    return Status::error("encode_fp8: rows and cols must be positive, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!readable(a.x.type)) return Status::error("encode_fp8: x must be f32, bf16 or fp16");
  if (!a.x.data || !a.codes) return Status::error("encode_fp8: x and codes must not be null");
  if ((a.tile == Tile::tensor) != (a.amax != nullptr))
    return Status::error("encode_fp8: amax must be there for one scale a tensor, and only then");
  if ((a.scale == Fp8Scale::ue8m0) != (a.scales_ue8m0 != nullptr) ||
      (a.scale == Fp8Scale::ue8m0) != (a.scales == nullptr))
    return Status::error("encode_fp8: one of scales and scales_ue8m0 must be there, as scale says");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  const bool bytes = a.scale == Fp8Scale::ue8m0;
  visit(v, "x", a.x, a.rows * a.cols);
  v.in("amax", a.amax, a.tile == Tile::tensor ? 1 : 0);
  v.out("codes", a.codes, a.rows * a.cols);
  v.out("scales", a.scales, bytes ? 0 : g.rows * g.cols);
  v.out("scales_ue8m0", a.scales_ue8m0, bytes ? g.rows * g.cols : 0);
}

void Op::reference(const Args& a) {
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  std::vector<float> amax(size_t(g.rows * g.cols), a.amax ? *a.amax : 0.0f);
  const auto tile_of = [&](int64_t i) {
    return i / a.cols / g.tile_rows * g.cols + i % a.cols / g.tile_cols;
  };
  if (!a.amax)
    for (int64_t i = 0; i < a.rows * a.cols; ++i) {
      const float both[] = {amax[size_t(tile_of(i))], float_at(a.x, i)};
      amax[size_t(tile_of(i))] = amax_of(both, 2);
    }
  for (size_t t = 0; t < amax.size(); ++t)
    if (a.scale == Fp8Scale::ue8m0)
      a.scales_ue8m0[t] = fp8_scale_ue8m0(amax[t]);
    else
      a.scales[t] = fp8_scale(a.scale, amax[t]);
  for (int64_t i = 0; i < a.rows * a.cols; ++i)
    a.codes[i] = fp8_element(fp8_scale(a.scale, amax[size_t(tile_of(i))]), float_at(a.x, i));
}

}  // namespace nibble::encode_fp8
