#include "nibble/ops/hadamard16/kernels.h"

namespace nibble::hadamard16 {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * a.cols; i < end * a.cols; i += kHadamard) {
      float x[kHadamard];
      load_floats(a.x, i, kHadamard, x);
      hadamard_transform(a.signs, a.inverse, x);
      for (int j = 0; j < kHadamard; ++j) store_float(a.y, i + j, x[j]);
    }
  });
}

}  // namespace nibble::hadamard16
