#include "nibble/cpu/fp4_chains_portable.h"
#include "nibble/ops/gemm_mxfp4_e4m3/kernels.h"

namespace nibble::gemm_mxfp4_e4m3 {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t k = 0; k < padded_k(a.k); ++k)
        a.packed_x[i * padded_k(a.k) + k] = k < a.k ? to_float(a.x[i * a.ldx + k]) : 0;
      spread_scales(a, i);
    }
  });
  cpu::multiply_chains<kBlock, ue8m0>(chains_of(a), e.pool);
}

}  // namespace nibble::gemm_mxfp4_e4m3
