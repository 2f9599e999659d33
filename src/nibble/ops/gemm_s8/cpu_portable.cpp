#include "nibble/ops/gemm_s8/kernels.h"

namespace nibble::gemm_s8 {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int panel = 0; panel < padded_n(a.n) / kPanel; ++panel) {
      const int8_t* b = a.b + panel * panel_bytes(a.k);
      const int columns = a.n - panel * kPanel < kPanel ? a.n - panel * kPanel : kPanel;
      for (int64_t m = begin; m < end; ++m) {
        int32_t sum[kPanel] = {};
        for (int k = 0; k < a.k; ++k) {
          const int x = a.a[m * a.lda + k];
          const int8_t* w = b + k / kBlock * (kPanel * kBlock) + k % kBlock;
          for (int j = 0; j < kPanel; ++j) sum[j] += x * w[j * kBlock];
        }
        for (int j = 0; j < columns; ++j) a.c[m * a.ldc + panel * kPanel + j] = sum[j];
      }
    }
  });
}

}  // namespace nibble::gemm_s8
