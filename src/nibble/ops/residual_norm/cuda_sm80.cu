// PTX: ld.global.v4.u32, redux.sync.add.u32, st.global.u32
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/tile/four_bytes.cuh"
#include "nibble/ops/residual_norm/kernels.h"

namespace nibble::residual_norm {
namespace {

namespace tile = cuda::tile;

// x' of elements j to j + 3 of the row, stored where there is something to add. Plain loads: x_out
// may be x.
__device__ __forceinline__ uint32_t add_four(const Args& a, int64_t row, int j, bool aligned) {
  const int64_t i = row * a.n + j;
  const uint32_t four = tile::load_four(a.x + i, 4, aligned);
  if (!a.acc) return four;
  uint32_t more[4];
  tile::load_four_words(a.acc + i, 4, aligned, more);
  if (a.noise) {
    const uint32_t bits = a.noise[row / a.share * (a.n / 16) + j / 16] >> j % 16;
    const uint32_t step = uint32_t(a.steps ? a.steps[row] : a.step);
#pragma unroll
    for (int k = 0; k < 4; ++k) more[k] += (bits >> k & 1) != 0 ? step : 0u - step;
  }
  uint32_t sum = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const float codes = fminf(fmaxf(float(int32_t(more[k])) * a.scale, -254.0f), 254.0f);
    const int x = min(max(tile::byte_of(four, k) + __float2int_rn(codes), -127), 127);
    sum |= uint32_t(uint8_t(x)) << 8 * k;
  }
  tile::store_four(a.x_out + i, sum, 4, aligned);
  return sum;
}

// A block has a row and keeps the codes of 8192 of its elements between the sum and the product;
// those of longer rows it reads again.
__global__ void __launch_bounds__(256, 4) residual_norm_rows(Args a, bool aligned) {
  constexpr int kKept = 8;
  const int64_t row = blockIdx.x;
  const int pieces = a.n / 4, threads = int(blockDim.x), thread = int(threadIdx.x);
  uint32_t kept[kKept];
  uint32_t sum = 0;  // of magnitudes, at most 127 kMaxN
#pragma unroll
  for (int i = 0; i < kKept; ++i)
    if (const int k = thread + i * threads; k < pieces) {
      kept[i] = add_four(a, row, 4 * k, aligned);
      sum += tile::sum_of_magnitudes(kept[i]);
    }
  for (int k = thread + kKept * threads; k < pieces; k += threads)
    sum += tile::sum_of_magnitudes(add_four(a, row, 4 * k, aligned));
  if (!a.y) return;
  sum = tile::sum_of_block(sum);
  const float factor = (a.mean_code * float(a.n)) / float(max(sum, uint32_t(a.n)));
  const auto norm = [&](int k, uint32_t four) {
    uint32_t codes = 0;
#pragma unroll
    for (int b = 0; b < 4; ++b) {
      const float y = fminf(fmaxf(float(tile::byte_of(four, b)) * factor, -127.0f), 127.0f);
      codes |= uint32_t(uint8_t(__float2int_rn(y))) << 8 * b;
    }
    tile::store_four(a.y + row * a.n + 4 * k, codes, 4, aligned);
  };
#pragma unroll
  for (int i = 0; i < kKept; ++i)
    if (const int k = thread + i * threads; k < pieces) norm(k, kept[i]);
  const int8_t* again = a.acc ? a.x_out : a.x;
  for (int k = thread + kKept * threads; k < pieces; k += threads)
    norm(k, tile::load_four(again + row * a.n + 4 * k, 4, aligned));
}

}  // namespace

void sm80(const Args& a, const Exec& e) {
  const bool aligned = tile::is_multiple(a.x, 4) && tile::is_multiple(a.x_out, 4) &&
                       tile::is_multiple(a.y, 4) && tile::is_multiple(a.acc, 16);
  const int pieces = a.n / 4;
  const unsigned threads = pieces >= 256 ? 256 : unsigned(pieces + 31) / 32 * 32;
  cuda::launch(residual_norm_rows, {.grid = unsigned(a.rows), .block = threads}, e, a, aligned);
}

}  // namespace nibble::residual_norm
