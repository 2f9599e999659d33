#include "nibble/numerics/reduce.h"
#include "nibble/ops/norm_quantise/kernels.h"

namespace nibble::norm_quantise {
namespace {

float sum_magnitudes(const float* row, int64_t cols) {
  numerics::F32x16 lanes(0.0f);
  for (int64_t i = 0; i < cols; i += 16) lanes = lanes + abs(numerics::F32x16::load(row + i));
  return sum(lanes);
}

}  // namespace

void encode_row(std::string_view variant, const Args& a, int64_t r, const float* y, float amax) {
  encode_rows::encode(
      variant, {.rows = 1, .cols = a.cols, .x = y, .to = encode_rows::from_row(a.to, r, a.cols)},
      &amax);
}

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    float row[kMaxCols];
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t i = 0, at = r * a.cols; i < a.cols; ++i, ++at) {
        row[i] = float_at(a.x, at);
        if (!a.with_delta) continue;
        store_float(a.sum, at, row[i] + float_at(a.delta, at));
        row[i] = float_at(Floats(a.sum.type, a.sum.data), at);
      }
      const float sum =
          a.norm == Norm::rms ? reduce::sum_squares(row, a.cols) : sum_magnitudes(row, a.cols);
      const float factor = factor_of(a, sum / float(a.cols));
      for (int64_t i = 0; i < a.cols; ++i) {
        row[i] *= factor;
        if (a.with_gamma) row[i] *= float_at(a.gamma, i);
        if (a.round_bf16) row[i] = to_float(to_bf16(row[i]));
      }
      encode_row("portable", a, r, row, amax_of(row, a.cols));
    }
  });
}

}  // namespace nibble::norm_quantise
