// y[j][r] = alpha * sum_k w[r][k] x[j][k] for NVFP4 weights and up to 8 rows of activations:
// weights stream through registers once, in 16-byte loads; nothing but sums passes through shared
// memory.
//
// A warp takes kWeightRows rows of weights and one chunk of K at a time: a lane has 32 consecutive
// codes of each row in flight. Eight of them are decoded at a time, and meet all rows of
// activations, which come from L1 again for each group of weight rows.
//
// How the products of a block are added is the Products' (tile/nvfp4_products.cuh):
//
//   Weights, Activations   eight of each, decoded
//   Sum                    add() adds eight products, value() is what it comes to
//   kUnit                  a product's value over the sum's
//   scales(two)            of two neighbouring blocks
#pragma once
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/ptx/dependency.cuh"
#include "nibble/cuda/ptx/load.cuh"
#include "nibble/cuda/tile/gemv_plan.h"
#include "nibble/cuda/tile/nvfp4_products.cuh"
#include "nibble/cuda/tile/warp_sum.cuh"
#include "nibble/numerics/scale_place.h"

namespace nibble::cuda::tile {

struct Gemv {
  int64_t m = 0;
  int k = 0, rows = 1;
  float alpha = 1;
  ScaleLayout layout = ScaleLayout::linear;
  const uint8_t *codes = nullptr, *scales = nullptr;  // [batch][m][k / 2], and their scales
  uint16_t* y = nullptr;                              // [batch][rows][m], fp16
  float* partial = nullptr;                           // [8][batch][rows][m] if K is split
};

// Where a lane reads a row of NVFP4.
struct CodeRow {
  const uint8_t *codes, *scales;
};
// A matrix of one batch entry out of several.
struct CodeMatrix {
  const uint8_t *codes, *scales;
  int k;
  ScaleLayout layout;

  __device__ __forceinline__ CodeMatrix(const uint8_t* all_codes, const uint8_t* all_scales,
                                        int64_t batch, int64_t rows, int k, ScaleLayout layout)
      : codes(all_codes + batch * rows * (k / 2)),
        scales(all_scales + batch * scale_bytes(layout, rows, k / 16)),
        k(k),
        layout(layout) {}
  __device__ __forceinline__ CodeRow row(int64_t r) const {
    return {codes + r * (k / 2), scales + scale_row(layout, r, k / 16)};
  }
};

__device__ __forceinline__ uint32_t word(const uint4& v, int i) {
  return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w;
}
__device__ __forceinline__ float half_of(const float2& v, int i) { return i == 0 ? v.x : v.y; }

// Where a lane is in every row: the first of its 32 columns, and their scales behind the row's
// first. Chunks are whole atoms apart, so that both move by one number.
struct ColumnPlace {
  int k, scales, step;

  __device__ __forceinline__ ColumnPlace(ScaleLayout layout, int k)
      : k(k),
        scales(int(scale_column(layout, k / 16))),
        step(int(scale_column(layout, kVirtualWarps * kChunk / 16))) {}
  __device__ __forceinline__ void next() { k += kVirtualWarps * kChunk, scales += step; }
};

// Activations that are NVFP4, too: 32 of a row at a time, eight of which are decoded when they are
// needed. factor() goes beside the weights' scale into the products of each of the two blocks.
template <class P>
struct CodeRows {
  using Products = P;
  static constexpr bool kMayOverflow = false;
  const uint8_t *codes = nullptr, *scales = nullptr;  // [batch][stride][k / 2], and their scales
  int64_t stride = 1;                                 // rows of a batch entry
  ScaleLayout layout = ScaleLayout::linear;

  struct Slice {
    uint4 raw;
    float2 factor;
  };

  __device__ __forceinline__ Slice load(int batch, int j, int k, const ColumnPlace& at) const {
    const CodeRow row = CodeMatrix(codes, scales, batch, stride, k, layout).row(j);
    Slice s{.raw = ptx::load_kept(row.codes + at.k / 2)};
    const float2 two = P::scales(ptx::load_kept16(row.scales + at.scales));
    s.factor = {two.x * P::kUnit, two.y * P::kUnit};
    return s;
  }
  static __device__ __forceinline__ float factor(const Slice& s, int block) {
    return half_of(s.factor, block);
  }
  static __device__ __forceinline__ typename P::Activations eight(const Slice& s, int i) {
    return P::activations(word(s.raw, i));
  }
};

// Activations that are halves. They are loaded when they are needed: 32 of them would take 16
// registers for each row.
template <class Decode>
struct HalfRows {
  using Products = HalfProducts<Decode>;
  static constexpr bool kMayOverflow = true;
  const uint16_t* x = nullptr;  // [batch][rows][k]
  int rows = 1;

  using Slice = const uint16_t*;
  __device__ __forceinline__ Slice load(int batch, int j, int k, const ColumnPlace& at) const {
    return x + (int64_t(batch) * rows + j) * k + at.k;
  }
  static __device__ __forceinline__ float factor(Slice, int) { return 1; }
  static __device__ __forceinline__ Halves eight(Slice s, int i) {
    const uint4 v = ptx::load_kept(s + 8 * i);
    return {{v.x, v.y, v.z, v.w}};
  }
};

// The rows of weights of a warp; past the end it is the last row again, dropped when sums are
// stored. Kept as one place and how far on the others are: pointers would take twice the registers.
template <int kWeightRows>
struct WeightRows {
  CodeRow first;
  int codes_on[kWeightRows], scales_on[kWeightRows];

  __device__ __forceinline__ WeightRows(const CodeMatrix& m, int64_t row, int64_t rows)
      : first(m.row(min(row, rows - 1))) {
#pragma unroll
    for (int r = 0; r < kWeightRows; ++r) {
      const CodeRow at = m.row(min(row + r, rows - 1));
      codes_on[r] = int(at.codes - first.codes), scales_on[r] = int(at.scales - first.scales);
    }
  }
};

// One chunk of K: a lane's 32 elements of each row of weights, eight at a time, with every row of
// activations.
template <class Activations, int kRows, int kWeightRows>
__device__ __forceinline__ void add_chunk(const Gemv& g, const Activations& x,
                                          const WeightRows<kWeightRows>& rows, int batch, int j0,
                                          const ColumnPlace& at,
                                          float (&sum)[kWeightRows * kRows]) {
  using P = typename Activations::Products;
  uint4 codes[kWeightRows];
  float2 scale[kWeightRows];
#pragma unroll
  for (int r = 0; r < kWeightRows; ++r) {
    codes[r] = ptx::load_streamed(rows.first.codes + (rows.codes_on[r] + at.k / 2));
    scale[r] = P::scales(ptx::load_kept16(rows.first.scales + (rows.scales_on[r] + at.scales)));
  }
  typename Activations::Slice slice[kRows];
#pragma unroll
  for (int j = 0; j < kRows; ++j) slice[j] = x.load(batch, min(j0 + j, g.rows - 1), g.k, at);
#pragma unroll
  for (int block = 0; block < 2; ++block) {
    typename P::Sum products[kWeightRows][kRows] = {};
#pragma unroll
    for (int i = 2 * block; i < 2 * block + 2; ++i) {
      typename P::Weights w[kWeightRows];
#pragma unroll
      for (int r = 0; r < kWeightRows; ++r) w[r] = P::weights(word(codes[r], i));
#pragma unroll
      for (int j = 0; j < kRows; ++j) {
        const auto eight = Activations::eight(slice[j], i);
#pragma unroll
        for (int r = 0; r < kWeightRows; ++r) P::add(w[r], eight, products[r][j]);
      }
    }
#pragma unroll
    for (int r = 0; r < kWeightRows; ++r)
#pragma unroll
      for (int j = 0; j < kRows; ++j) {
        const float factor = half_of(scale[r], block) * Activations::factor(slice[j], block);
        float& to = sum[r * kRows + j];
        to = fmaf(P::value(products[r][j]), factor, to);
      }
  }
}

// The same for activations whose products do not fit into halves: a block whose sum is not finite
// is added anew, activations times 2^-6. Rarely needed: what may be loaded again is.
template <class Activations, int kRows, int kWeightRows>
__device__ __forceinline__ void add_chunk_carefully(const Gemv& g, const Activations& x,
                                                    const WeightRows<kWeightRows>& rows, int batch,
                                                    int j0, ColumnPlace at,
                                                    float (&sum)[kWeightRows * kRows]) {
  using P = typename Activations::Products;
#pragma unroll 1
  for (int block = 0; block < 2; ++block, at.k += 16, ++at.scales) {
#pragma unroll
    for (int s = 0; s < kWeightRows * kRows; ++s) {
      const int r = s / kRows, j = min(j0 + s % kRows, g.rows - 1);
      const auto* codes =
          reinterpret_cast<const uint32_t*>(rows.first.codes + (rows.codes_on[r] + at.k / 2));
      const auto slice = x.load(batch, j, g.k, at);
      typename P::Sum whole = {}, shrunk = {};
#pragma unroll 1
      for (int i = 0; i < 2; ++i) {
        const auto w = P::weights(codes[i]);
        auto eight = Activations::eight(slice, i);
        P::add(w, eight, whole);
        P::shrink(eight);
        P::add(w, eight, shrunk);
      }
      float value = P::value(whole);
      if (!isfinite(value)) value = P::value(shrunk) * P::kShrunk;
      const uint32_t scale = rows.first.scales[rows.scales_on[r] + at.scales];
      sum[s] = fmaf(value, P::scales(scale).x, sum[s]);
    }
  }
}

template <int N>
__device__ __forceinline__ bool all_finite(const float (&v)[N]) {
  bool finite = true;
#pragma unroll
  for (int i = 0; i < N; ++i) finite &= isfinite(v[i]) != 0;
  return finite;
}

// Grid: tiles of rows, splits of K, batch with as many passes as it takes to do all activations
// kRows at a time. Block: 32 lanes, warps along K, groups of rows.
template <class Activations, int kRows, int kWeightRows>
__device__ __forceinline__ void gemv(const Gemv& g, const Activations& x) {
  constexpr int kSums = kRows * kWeightRows;
  __shared__ float sums[kVirtualWarps][kVirtualWarps * kSums];
  const int lane = int(threadIdx.x), groups = int(blockDim.z);
  const int passes = (g.rows + kRows - 1) / kRows;
  const int batch = int(blockIdx.z) / passes, j0 = int(blockIdx.z) % passes * kRows;
  const int64_t first_row = int64_t(blockIdx.x) * groups * kWeightRows;
  const int64_t row = first_row + threadIdx.z * kWeightRows;
  const CodeMatrix weights(g.codes, g.scales, batch, g.m, g.k, g.layout);
  const WeightRows<kWeightRows> rows(weights, row, g.m);
  const int each = kVirtualWarps / int(gridDim.y), begin = int(blockIdx.y) * each;
  const int end = min(begin + each, (g.k + kChunk - 1) / kChunk);
  for (int v = begin + int(threadIdx.y); v < end; v += int(blockDim.y)) {
    float sum[kSums] = {};
    const ColumnPlace first(g.layout, v * kChunk + lane * kLaneElements);
    for (ColumnPlace at = first; at.k < g.k; at.next())
      add_chunk<Activations, kRows, kWeightRows>(g, x, rows, batch, j0, at, sum);
    // A block that was not finite leaves a sum that is not.
    if constexpr (Activations::kMayOverflow)
      if (!all_finite(sum)) {
#pragma unroll
        for (float& s : sum) s = 0;
#pragma unroll 1
        for (ColumnPlace at = first; at.k < g.k; at.next())
          add_chunk_carefully<Activations, kRows, kWeightRows>(g, x, rows, batch, j0, at, sum);
      }
    const float total = warp_sum(sum, lane);
    if (is_first_of_value<kSums>(lane))
      sums[v - begin][threadIdx.z * kSums + value_of_lane<kSums>(lane)] = total;
  }
  __syncthreads();
  const int64_t outputs = int64_t(gridDim.z / passes) * g.rows * g.m;
  const int thread = lane + 32 * int(threadIdx.y + blockDim.y * threadIdx.z);
  for (int i = thread; i < groups * kSums; i += 32 * int(blockDim.y * blockDim.z)) {
    const int j = j0 + i % kRows;
    const int64_t r = first_row + i / kRows, at = (int64_t(batch) * g.rows + j) * g.m + r;
    if (j >= g.rows || r >= g.m) continue;
    float total = 0;
    for (int v = 0; v < end - begin; ++v) {
      if (gridDim.y > 1) g.partial[(begin + v) * outputs + at] = sums[v][i];
      total += sums[v][i];
    }
    if (gridDim.y == 1) g.y[at] = ptx::narrow_f16(g.alpha * total);
  }
}

// The second stage of a split: the virtual warps' sums in their order.
__device__ __forceinline__ void gemv_combine(const Gemv& g, int64_t outputs) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= outputs) return;
  float total = 0;
  for (int v = 0; v < min(kVirtualWarps, (g.k + kChunk - 1) / kChunk); ++v)
    total += g.partial[v * outputs + i];
  g.y[i] = ptx::narrow_f16(g.alpha * total);
}

// Kernels::rows<kRows, kWeightRows>() is the kernel that runs gemv() with them. `overlaps`: both
// kernels were written for programmatic dependent launch.
template <class Kernels, class Activations>
void launch_gemv(void (*combine)(Gemv, int64_t), bool overlaps, const Gemv& g, const Activations& x,
                 int batch, const Exec& e) {
  const GemvPlan p = plan_gemv(g.m, g.k, g.rows, batch, multiprocessors());
  const int passes = g.rows > 4 ? 2 : 1;
  const Launch l{.grid = dim3(unsigned(p.row_tiles), unsigned(p.splits), unsigned(batch * passes)),
                 .block = dim3(32, unsigned(p.k_warps), unsigned(p.row_groups))};
  if (g.rows > 2)
    launch(Kernels::template rows<4, 2>(), l, e, g, x);
  else if (g.rows == 2)
    launch(Kernels::template rows<2, 2>(), l, e, g, x);
  else if (p.weight_rows == 1)
    launch(Kernels::template rows<1, 1>(), l, e, g, x);
  else
    launch(Kernels::template rows<1, 4>(), l, e, g, x);
  if (p.splits == 1) return;
  const int64_t outputs = int64_t(batch) * g.rows * g.m;
  const Launch second{
      .grid = unsigned((outputs + 255) / 256), .block = 256, .overlaps_previous = overlaps};
  launch(combine, second, e, g, outputs);
}

}  // namespace nibble::cuda::tile
