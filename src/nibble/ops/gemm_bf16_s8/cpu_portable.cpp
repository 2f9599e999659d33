#include <algorithm>
#include <cmath>

#include "nibble/ops/gemm_bf16_s8/kernels.h"

namespace nibble::gemm_bf16_s8 {
namespace {

void widen(const int8_t* x, int64_t count, float* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = float(x[i]);
}

void rows(const Args& a, const float* x, int64_t begin, int64_t end) {
  for (int column = 0; column < a.n; column += kPanel) {
    const bf16* w = a.w + int64_t(column) * a.k;
    for (int64_t i = begin; i < end; ++i) {
      const float* row = x + i * a.ldx;
      float sum[kPanel] = {};
      for (int k = 0; k < a.k; k += 2)
        for (const int part : {1, 0})
          for (int j = 0; j < kPanel; ++j) {
            // Exact, so that no fused addition is needed.
            const float product = to_float(w[(k / 2 * kPanel + j) * 2 + part]) * row[k + part];
            sum[j] = sum[j] + product;
          }
      for (int j = 0; j < kPanel; ++j)
        a.y[i * a.ldy + column + j] = int32_t(std::lrintf(std::clamp(sum[j], -0x1p30f, 0x1p30f)));
    }
  }
}

}  // namespace

void portable(const Args& a, const Exec& e) { run<float>(a, e, widen, rows); }

}  // namespace nibble::gemm_bf16_s8
