#include "nibble/ops/decode_nvfp4/kernels.h"

namespace nibble::decode_nvfp4 {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * a.cols; i < end * a.cols; i += 16) {
      const float scale = to_float(a.scales[i / 16]), decode = a.decode[a.per_row ? i / a.cols : 0];
      for (int j = 0; j < 16; j += 2) {
        const e2m1x2 pair = a.codes[(i + j) / 2];
        store_float(a.y, i + j, to_float(low(pair)) * scale * decode);
        store_float(a.y, i + j + 1, to_float(high(pair)) * scale * decode);
      }
    }
  });
}

}  // namespace nibble::decode_nvfp4
