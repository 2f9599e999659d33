#include <algorithm>

#include "nibble/cpu/s8_tile_portable.h"
#include "nibble/ops/gemm_s8/panels.h"

namespace nibble::gemm_s8 {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int column = 0; column < a.n; column += kPanel)
      for (int64_t m = begin; m < end; ++m) {
        cpu::I16 sums[1];
        cpu::s8_tile(panels(a, column), cpu::S8Strided{a.a + m * a.lda, a.lda}, sums);
        std::copy_n(sums[0].v, std::min(a.n - column, kPanel), a.c + m * a.ldc + column);
      }
  });
}

}  // namespace nibble::gemm_s8
