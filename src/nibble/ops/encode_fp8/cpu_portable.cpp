#include <algorithm>

#include "nibble/ops/encode_fp8/kernels.h"

namespace nibble::encode_fp8 {

void encode_tile(const Args& a, int64_t begin, int64_t end, int64_t from, int64_t to, int64_t at) {
  float x[128];
  const auto pieces = [&](auto&& fn) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = from; c < to; c += 128) {
        const int64_t count = std::min<int64_t>(128, to - c);
        load_floats(a.x, r * a.cols + c, count, x);
        fn(r * a.cols + c, count);
      }
  };
  float amax = a.amax ? *a.amax : 0;
  if (!a.amax)
    pieces([&](int64_t, int64_t count) {
      const float both[] = {amax, amax_of(x, count)};
      amax = amax_of(both, 2);
    });
  const float scale = fp8_scale(a.scale, amax);
  if (a.scales_ue8m0)
    a.scales_ue8m0[at] = fp8_scale_ue8m0(amax);
  else
    a.scales[at] = scale;
  pieces([&](int64_t i, int64_t count) {
    for (int64_t j = 0; j < count; ++j) a.codes[i + j] = fp8_element(scale, x[j]);
  });
}

void portable(const Args& a, const Exec& e) {
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  // A tensor's amax is known, so that its rows are tiles of their own with the same scale.
  const int64_t strip = a.tile == Tile::tensor ? 1 : g.tile_rows;
  const int64_t strips = (a.rows + strip - 1) / strip;
  parallel_for(e.pool, strips, rows_per_task(strip * a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s)
      for (int64_t t = 0; t < g.cols; ++t)
        encode_tile(a, s * strip, std::min(a.rows, (s + 1) * strip), t * g.tile_cols,
                    std::min(a.cols, (t + 1) * g.tile_cols),
                    a.tile == Tile::tensor ? 0 : s * g.cols + t);
  });
}

}  // namespace nibble::encode_fp8
