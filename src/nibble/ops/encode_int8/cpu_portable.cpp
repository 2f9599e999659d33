#include "nibble/ops/encode_int8/kernels.h"

namespace nibble::encode_int8 {

void encode_row(const Args& a, int64_t r) {
  uint32_t most = 0;
  const int64_t row = r * a.cols;
  for (int64_t i = row; i < row + a.cols; ++i) most = greater_magnitude(most, float_at(a.x, i));
  const float scale = s8_scale(bit_cast<float>(most > kFloatInf ? kFloatQuietNaN : most));
  a.scales[r] = scale;
  for (int64_t i = row; i < row + a.cols; ++i) a.codes[i] = s8_element(scale, float_at(a.x, i));
}

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) encode_row(a, r);
  });
}

}  // namespace nibble::encode_int8
