#include "nibble/ops/quantise_rows/kernels.h"

namespace nibble::quantise_rows {
namespace {

void row_of(const Args& a, int64_t r) {
  uint32_t most = 0;
  const int64_t from = r * a.ldx, to = r * a.cols;
  for (int64_t c = 0; c < a.cols; ++c) most = greater_magnitude(most, float_at(a.x, from + c));
  const float amax = bit_cast<float>(most > kFloatInf ? kFloatQuietNaN : most);
  const float scale = a.codes_s8 ? s8_scale(amax) : s16_scale(amax);
  a.scales[r] = scale;
  for (int64_t c = 0; c < a.cols; ++c)
    if (a.codes_s8)
      a.codes_s8[to + c] = s8_element(scale, float_at(a.x, from + c));
    else
      a.codes_s16[to + c] = s16_element(scale, float_at(a.x, from + c));
}

}  // namespace

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row_of(a, r);
  });
}

}  // namespace nibble::quantise_rows
