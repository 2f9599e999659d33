// PTX: ld.global.v4.u32, cvt.rni.s32.f32, st.global.u32
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/tile/four_bytes.cuh"
#include "nibble/ops/relu2_quantise/kernels.h"

namespace nibble::relu2_quantise {
namespace {

namespace tile = cuda::tile;

// Four elements of a row for a thread.
__global__ void __launch_bounds__(256, 6) relu2_quantise_fours(Args a, bool aligned) {
  const int64_t i = (int64_t(blockIdx.x) * 256 + threadIdx.x) * 4;
  if (i >= a.rows * a.n) return;
  uint32_t x[4], codes = 0;
  tile::load_four_words(a.acc + i, 4, aligned, x);
  if (a.noise) {
    const int64_t row = i / a.n, j = i - row * a.n;
    const uint32_t bits = a.noise[row / a.share * (a.n / 16) + j / 16] >> j % 16;
    const uint32_t step = uint32_t(a.steps ? a.steps[row] : a.step);
#pragma unroll
    for (int k = 0; k < 4; ++k) x[k] += (bits >> k & 1) != 0 ? step : 0u - step;
  }
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const float u = float(max(int32_t(x[k]), 0)) * a.unit;
    codes |= uint32_t(__float2int_rn(fminf(u * u, 127.0f))) << 8 * k;
  }
  tile::store_four(a.h + i, codes, 4, aligned);
}

}  // namespace

void sm80(const Args& a, const Exec& e) {
  const bool aligned = tile::is_multiple(a.acc, 16) && tile::is_multiple(a.h, 4);
  const int64_t fours = a.rows * a.n / 4;
  cuda::launch(relu2_quantise_fours, {.grid = unsigned((fours + 255) / 256), .block = 256}, e, a,
               aligned);
}

}  // namespace nibble::relu2_quantise
