#include "nibble/numerics/s8.h"
#include "nibble/ops/absmean_norm/kernels.h"

namespace nibble::absmean_norm {
namespace {

int saturate(int x) { return x < -127 ? -127 : x > 127 ? 127 : x; }

void row(const Args& a, int64_t first) {
  int8_t* x = a.x + first;
  int32_t sum = 0;
  for (int j = 0; j < a.cols; ++j) {
    if (a.add_kind != Add::none) {
      const float d =
          a.add_kind == Add::f32 ? a.add[first + j] : a.sum_scale * float(a.sum[first + j]);
      x[j] = int8_t(saturate(x[j] + to_s8(a.add_scale * d)));
    }
    sum += x[j] < 0 ? -x[j] : x[j];
  }
  const float mean = float(sum) / float(a.cols);
  const float factor = a.scale / (mean > 1 ? mean : 1.0f);
  for (int j = 0; j < a.cols; ++j) a.y[first + j] = to_s8(float(x[j]) * factor);
}

}  // namespace

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row(a, r * a.cols);
  });
}

}  // namespace nibble::absmean_norm
