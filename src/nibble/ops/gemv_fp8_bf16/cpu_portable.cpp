// Plain C++, the order of sums that the contract promises: what the CUDA variants are held to bit
// by bit, and what runs where there is no GPU.
#include <vector>

#include "nibble/ops/gemv_fp8_bf16/kernels.h"

namespace nibble::gemv_fp8_bf16 {
namespace {

void pair(const Args& a, const Exec& e) {
  const int units = (a.k + kUnit - 1) / kUnit;
  parallel_for(e.pool, a.n, 16, [&](int64_t begin, int64_t end) {
    std::vector<float> w(size_t(units) * kUnit);  // zeros behind the last column
    for (int64_t j = begin; j < end; ++j) {
      decode_row(a, j, w.data());
      for (int64_t i = 0; i < a.m; ++i) {
        const float sum = cuda::tile::panel_sum(units, [&](float& to, int64_t unit) {
          float s = 0;
          for (int64_t k = unit * kUnit; k < (unit + 1) * kUnit; ++k)
            s = __builtin_fmaf(w[size_t(k)], k < a.k ? to_float(a.x[i * a.ldx + k]) : 0, s);
          to = __builtin_fmaf(s, tile_factor(a, j, unit * kUnit), to);
        });
        const float y = a.w_factors == Factors::rows ? sum * a.w_scale[j] : sum;
        a.y[i * a.ldy + j] = y != y ? bit_cast<float>(0x7fc00000u) : y;
      }
    }
  });
}

}  // namespace

void portable(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l) pair(entry(a, l), e);
}

}  // namespace nibble::gemv_fp8_bf16
