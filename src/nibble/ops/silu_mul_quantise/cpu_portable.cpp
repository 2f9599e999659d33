#include "nibble/numerics/elementary.h"
#include "nibble/numerics/lanes.h"
#include "nibble/ops/silu_mul_quantise/kernels.h"

namespace nibble::silu_mul_quantise {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    float y[kMaxCols];
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t i = 0; i < a.cols; i += 16) {
        numerics::F32x16 g, u;
        for (int j = 0; j < 16; ++j) {
          g.v[j] = float_at(a.gate, r * a.ld + i + j);
          u.v[j] = float_at(a.up, r * a.ld + i + j);
        }
        numerics::F32x16 v = (g * math::sigmoid(g)) * u;
        if (a.round_bf16)
          for (float& x : v.v) x = to_float(to_bf16(x));
        v.store(y + i);
      }
      encode_rows::encode(
          "portable",
          {.rows = 1, .cols = a.cols, .x = y, .to = encode_rows::from_row(a.to, r, a.cols)});
    }
  });
}

}  // namespace nibble::silu_mul_quantise
