// Rows that a Maker makes element by element, encoded in one pass: a block of threads makes a row
// in shared memory, finds its greatest magnitude meanwhile, and encodes it from there. Rows that
// do not fit are made twice, in parts.
//
// A Maker has kInputs matrices of floats of one type and is
//   Floats input(int i, int64_t row)             where the row's elements of input i begin
//   float make(const float (&x)[kInputs])        an element of it
#pragma once
#include "nibble/cuda/tile/row_codes.cuh"

namespace nibble::cuda::tile {

template <class Round, class Maker, class Encoded, bool kWide>
__global__ void __launch_bounds__(256, 4)
    encode_made_rows(Maker maker, Encoded to, int64_t cols, int chunk, bool loads_aligned,
                     bool stores_aligned) {
  extern __shared__ float4 shared[];
  float* const row = reinterpret_cast<float*>(shared);
  constexpr int kPer = kPerLane<kWide>, kInputs = Maker::kInputs;
  const int64_t r = blockIdx.x;
  float most = 0;
  const auto make = [&](int64_t column, int count) {
    for (int i = int(threadIdx.x) * kPer; i < count; i += int(blockDim.x) * kPer) {
      float x[kInputs][kPer], y[kPer];
#pragma unroll
      for (int n = 0; n < kInputs; ++n)
        load_lane<kWide>(maker.input(n, r), column + i, kPer, loads_aligned, x[n]);
#pragma unroll
      for (int k = 0; k < kPer; ++k) {
        float of_one[kInputs];
#pragma unroll
        for (int n = 0; n < kInputs; ++n) of_one[n] = x[n][k];
        y[k] = maker.make(of_one);
      }
      most = ptx::max_or_nan(most, amax_of_lane(y));
      put_in_row(row, i, y);
    }
  };
  const auto count_from = [&](int64_t column) { return int(min(cols - column, int64_t(chunk))); };
  for (int64_t column = 0; column < cols; column += chunk) make(column, count_from(column));
  const RowScale<Encoded> scale(to, greatest_of_block(most));
  if (threadIdx.x == 0) scale.store(to, r);
  for (int64_t column = 0; column < cols; column += chunk) {
    if (cols > chunk) {
      __syncthreads();
      make(column, count_from(column));
      __syncthreads();
    }
    encode_row<Round>(to, scale, row, r, cols, column, count_from(column), stores_aligned);
  }
}

// `loads_aligned`: whether pieces of 16 bytes of every row of every input lie on multiples of them.
template <class Round, class Maker, class Encoded>
void launch_encode_made_rows(const Maker& maker, const Encoded& to, DType type, int64_t rows,
                             int64_t cols, bool loads_aligned, const Exec& e) {
  const RowPlan plan = row_plan<Encoded>(rows, cols);
  const bool stores_aligned = codes_are_aligned(to, cols);
  if (type == DType::f32)
    launch(encode_made_rows<Round, Maker, Encoded, true>, plan.launch, e, maker, to, cols,
           plan.chunk, loads_aligned, stores_aligned);
  else
    launch(encode_made_rows<Round, Maker, Encoded, false>, plan.launch, e, maker, to, cols,
           plan.chunk, loads_aligned, stores_aligned);
}

// Whether rows of `ld` elements, the first one at the beginning of x, are aligned so.
inline bool rows_are_aligned(const Floats& x, int64_t ld) {
  return reinterpret_cast<uintptr_t>(x.data) % 16 == 0 && ld % (x.type == DType::f32 ? 4 : 8) == 0;
}
__device__ __forceinline__ Floats row_of(Floats x, int64_t row, int64_t ld) {
  x.data = static_cast<const uint8_t*>(x.data) + row * ld * (x.type == DType::f32 ? 4 : 2);
  return x;
}
__device__ __forceinline__ float as_bf16(float x) { return to_float(to_bf16(x)); }

}  // namespace nibble::cuda::tile
