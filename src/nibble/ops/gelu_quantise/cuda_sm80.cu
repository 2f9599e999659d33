// PTX: ld.global.v4.u32, fma.rn.f32, st.global.u32
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/tile/four_bytes.cuh"
#include "nibble/numerics/elementary.h"
#include "nibble/numerics/s8.h"
#include "nibble/ops/gelu_quantise/kernels.h"

namespace nibble::gelu_quantise {
namespace {

namespace tile = cuda::tile;

// gelu.h's sequence for one float, whose fma has a name of its own here.
__device__ __forceinline__ float gelu_of(float u) {
  const float inner = math::fma(0.044715f * (u * u), u, u);
  return 0.5f * u * (1.0f + math::tanh(0.7978845608f * inner));
}

// Four elements of a row for a thread.
__global__ void __launch_bounds__(256, 6) gelu_quantise_fours(Args a, bool aligned) {
  const int pieces = (a.cols + 3) / 4;
  const int64_t thread = int64_t(blockIdx.x) * 256 + threadIdx.x;
  const int64_t row = thread / pieces;
  if (row >= a.rows) return;
  const int j = int(thread - row * pieces) * 4, count = min(a.cols - j, 4);
  uint32_t sums[4] = {}, bias[4] = {}, codes = 0;
  tile::load_four_words(a.sum + row * a.cols + j, count, aligned, sums);
  if (a.bias_rows)
    tile::load_four_words(a.bias + row % a.bias_rows * a.cols + j, count, aligned, bias);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    float u = a.sum_scale * float(int32_t(sums[k]));
    if (a.bias_rows) u = u + __uint_as_float(bias[k]);
    codes |= uint32_t(uint8_t(to_s8(a.out_scale * gelu_of(u)))) << 8 * k;
  }
  tile::store_four(a.y + row * a.cols + j, codes, count, aligned);
}

}  // namespace

void sm80(const Args& a, const Exec& e) {
  const bool aligned = a.cols % 4 == 0 && tile::is_multiple(a.sum, 16) &&
                       tile::is_multiple(a.bias, 16) && tile::is_multiple(a.y, 4);
  const int64_t threads = a.rows * ((a.cols + 3) / 4);
  cuda::launch(gelu_quantise_fours, {.grid = unsigned((threads + 255) / 256), .block = 256}, e, a,
               aligned);
}

}  // namespace nibble::gelu_quantise
