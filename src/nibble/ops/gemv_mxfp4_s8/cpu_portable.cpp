// Plain C++, the order of sums that the contract promises: what the CUDA variants are held to bit
// by bit, and what runs where there is no GPU.
#include <vector>

#include "nibble/numerics/fp4_rows.h"
#include "nibble/ops/gemv_mxfp4_s8/kernels.h"

namespace nibble::gemv_mxfp4_s8 {
namespace {

void pair(const Args& a, const Exec& e) {
  const auto x = fp4_tokens(a.x, a.ldx, a.m, a.k);
  parallel_for(e.pool, a.n, 16, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      const Fp4Row row(kLayout, a.w, j, a.k);
      for (int64_t i = 0; i < a.m; ++i) {
        const float t = cuda::tile::panel_sum(a.k / 32, [&](float& to, int64_t block) {
          const int16_t* w = row.doubled.data() + 32 * block;
          const int16_t* token = x.data() + i * a.k + 32 * block;
          int32_t exact = 0;
          for (int c = 0; c < 32; ++c) exact += w[c] * token[c];
          to = __builtin_fmaf(float(exact), row.scale[size_t(block)], to);
        });
        a.y[i * a.ldy + j] = fp4_scaled(t, a.w_scale[j], a.x_scale[i]);
      }
    }
  });
}

}  // namespace

void portable(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l) pair(entry(a, l), e);
}

}  // namespace nibble::gemv_mxfp4_s8
