// PTX: ld.global.v4.u32, redux.sync.add.u32, st.global.u32
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/tile/four_bytes.cuh"
#include "nibble/numerics/s8.h"
#include "nibble/ops/absmean_norm/kernels.h"

namespace nibble::absmean_norm {
namespace {

namespace tile = cuda::tile;

// Elements j to j + 3 of a row with their increments, stored; past the end of the row 0.
__device__ __forceinline__ uint32_t add_four(const Args& a, int64_t row, int j, bool aligned) {
  const int64_t i = row * a.cols + j;
  const int count = min(a.cols - j, 4);
  const uint32_t four = tile::load_four(a.x + i, count, aligned);
  if (a.add_kind == Add::none) return four;
  uint32_t words[4] = {};
  const void* more = a.add_kind == Add::f32 ? static_cast<const void*>(a.add + i) : a.sum + i;
  tile::load_four_words(more, count, aligned, words);
  uint32_t sum = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const float d =
        a.add_kind == Add::f32 ? __uint_as_float(words[k]) : a.sum_scale * float(int32_t(words[k]));
    const int x = min(max(tile::byte_of(four, k) + to_s8(a.add_scale * d), -127), 127);
    if (k < count) sum |= uint32_t(uint8_t(x)) << 8 * k;
  }
  tile::store_four(a.x + i, sum, count, aligned);
  return sum;
}

// A block has a row and keeps the codes of 8192 of its elements between the sum and the product;
// those of longer rows it reads again.
__global__ void __launch_bounds__(256, 4) absmean_norm_rows(Args a, bool aligned) {
  constexpr int kKept = 8;
  const int64_t row = blockIdx.x;
  const int pieces = (a.cols + 3) / 4, threads = int(blockDim.x), thread = int(threadIdx.x);
  uint32_t kept[kKept];
  uint32_t sum = 0;  // of magnitudes, at most 127 kMaxCols
#pragma unroll
  for (int i = 0; i < kKept; ++i)
    if (const int k = thread + i * threads; k < pieces) {
      kept[i] = add_four(a, row, 4 * k, aligned);
      sum += tile::sum_of_magnitudes(kept[i]);
    }
  for (int k = thread + kKept * threads; k < pieces; k += threads)
    sum += tile::sum_of_magnitudes(add_four(a, row, 4 * k, aligned));
  sum = tile::sum_of_block(sum);
  const float mean = float(sum) / float(a.cols);
  const float factor = a.scale / (mean > 1 ? mean : 1.0f);
  const auto norm = [&](int k, uint32_t four) {
    uint32_t codes = 0;
#pragma unroll
    for (int b = 0; b < 4; ++b)
      codes |= uint32_t(uint8_t(to_s8(float(tile::byte_of(four, b)) * factor))) << 8 * b;
    tile::store_four(a.y + row * a.cols + 4 * k, codes, min(a.cols - 4 * k, 4), aligned);
  };
#pragma unroll
  for (int i = 0; i < kKept; ++i)
    if (const int k = thread + i * threads; k < pieces) norm(k, kept[i]);
  for (int k = thread + kKept * threads; k < pieces; k += threads)
    norm(k, tile::load_four(a.x + row * a.cols + 4 * k, min(a.cols - 4 * k, 4), aligned));
}

}  // namespace

void sm80(const Args& a, const Exec& e) {
  const bool aligned = a.cols % 4 == 0 && tile::is_multiple(a.x, 4) && tile::is_multiple(a.y, 4) &&
                       tile::is_multiple(a.add, 16) && tile::is_multiple(a.sum, 16);
  const int pieces = (a.cols + 3) / 4;
  const unsigned threads = pieces >= 256 ? 256 : unsigned(pieces + 31) / 32 * 32;
  cuda::launch(absmean_norm_rows, {.grid = unsigned(a.rows), .block = threads}, e, a, aligned);
}

}  // namespace nibble::absmean_norm
