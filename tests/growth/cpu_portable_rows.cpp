#include "nibble/ops/gemm_s8/kernels.h"

namespace nibble::gemm_s8 {

void portable_rows(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, 1, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m)
      for (int n = 0; n < a.n; ++n) {
        int32_t sum = 0;
        for (int k = 0; k < a.k; ++k) sum += int(a.a[m * a.lda + k]) * a.b[slot(n, k, a.k)];
        a.c[m * a.ldc + n] = sum;
      }
  });
}

}  // namespace nibble::gemm_s8
