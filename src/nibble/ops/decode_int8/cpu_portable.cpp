#include "nibble/ops/decode_int8/kernels.h"

namespace nibble::decode_int8 {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t i = r * a.cols; i < (r + 1) * a.cols; ++i)
        store_float(a.y, i, float(a.codes[i]) * a.scales[r]);
  });
}

}  // namespace nibble::decode_int8
