#include <algorithm>

#include "nibble/ops/encode_ternary/kernels.h"

namespace nibble::encode_ternary {

// x / gamma rounds to more than 1/2 just where 2 x > gamma: the next float after gamma / 2 is more
// than half an ulp of 1/2 above it. A sum of equals is exact, or infinite and so above.
void portable(const Args& a, const Exec& e) {
  const int in_byte = ternaries_in_byte(a.packing);
  const int64_t row_bytes = ternary_row_bytes(a.packing, a.cols);
  // With a gamma of 0, not even subnormals are weights; nothing is above infinity.
  const float gamma = *a.gamma > 0 ? *a.gamma : bit_cast<float>(kFloatInf);
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < a.cols; c += in_byte) {
        int8_t w[5] = {};
        const int count = int(std::min<int64_t>(in_byte, a.cols - c));
        for (int j = 0; j < count; ++j) {
          const float x = float_at(a.x, r * a.cols + c + j), twice = x + x;
          w[j] = int8_t((twice > gamma) - (twice < -gamma));
        }
        a.codes[r * row_bytes + c / in_byte] = pack_ternaries(a.packing, w, count);
      }
  });
}

}  // namespace nibble::encode_ternary
