#include "nibble/numerics/lanes.h"
#include "nibble/ops/gelu_tanh_quantise/gelu.h"
#include "nibble/ops/gelu_tanh_quantise/kernels.h"

namespace nibble::gelu_tanh_quantise {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    float y[kMaxCols];
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t i = 0; i < a.cols; i += 16) {
        numerics::F32x16 v;
        for (int j = 0; j < 16; ++j) v.v[j] = float_at(a.x, r * a.ld + i + j);
        v = gelu_tanh(v);
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

}  // namespace nibble::gelu_tanh_quantise
