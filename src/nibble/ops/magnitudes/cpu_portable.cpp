#include <algorithm>

#include "nibble/ops/magnitudes/kernels.h"

namespace nibble::magnitudes {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      uint32_t most[16] = {};
      double sum[16] = {};
      for (int64_t c = 0; c < a.cols; c += 16) {
        float x[16] = {};
        load_floats(a.x, r * a.cols + c, std::min<int64_t>(16, a.cols - c), x);
        for (int j = 0; j < 16; ++j) {
          most[j] = greater_magnitude(most[j], x[j]);
          sum[j] += double(bit_cast<float>(magnitude_bits(x[j])));
        }
      }
      for (int half = 8; half != 0; half /= 2)
        for (int j = 0; j < half; ++j) {
          most[j] = std::max(most[j], most[j + half]);
          sum[j] += sum[j + half];
        }
      const bool nan = most[0] > kFloatInf;
      a.amax[r] = bit_cast<float>(nan ? kFloatQuietNaN : most[0]);
      if (a.sum) a.sum[r] = nan ? double(bit_cast<float>(kFloatQuietNaN)) : sum[0];
    }
  });
}

}  // namespace nibble::magnitudes
