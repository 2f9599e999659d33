#include <algorithm>

#include "nibble/ops/decode_fp8/kernels.h"

namespace nibble::decode_fp8 {

void portable(const Args& a, const Exec& e) {
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  float table[256];
  for (int code = 0; code < 256; ++code) table[code] = to_float(e4m3{uint8_t(code)});
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t t = 0; t < g.cols; ++t) {
        const int64_t at = r / g.tile_rows * g.cols + t;
        const float scale = a.scales ? a.scales[at] : to_float(a.scales_ue8m0[at]);
        const int64_t row = r * a.cols, to = std::min(a.cols, (t + 1) * g.tile_cols);
        for (int64_t i = row + t * g.tile_cols; i < row + to; ++i)
          store_float(a.y, i, table[a.codes[i].bits] * scale);
      }
  });
}

}  // namespace nibble::decode_fp8
