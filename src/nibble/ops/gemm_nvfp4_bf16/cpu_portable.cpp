#include <cmath>

#include "nibble/cpu/fp4_chains_portable.h"
#include "nibble/ops/gemm_nvfp4_bf16/kernels.h"

namespace nibble::gemm_nvfp4_bf16 {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t k = 0; k < padded_k(a.k); ++k) {
        const float x = k < a.k ? to_float(a.x[i * a.ldx + k]) : 0;
        a.packed_x[i * padded_k(a.k) + k] = std::abs(x) < cpu::kChainLeast ? 0 : x;
      }
  });
  cpu::multiply_chains<kBlock, e4m3>(chains_of(a), e.pool);
}

}  // namespace nibble::gemm_nvfp4_bf16
