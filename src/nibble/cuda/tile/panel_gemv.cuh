// y[j][r] = sum_k w[r][k] x[j][k] for weights in panels of 16 rows (numerics/panel_layout.h), the
// same bytes that CPU kernels read, and up to 8 rows of activations: weights stream through
// registers once, in 16-byte loads; nothing but sums passes through shared memory.
//
//   a step, 8 units of 16 rows:   lane l has unit l / 4 of rows 4 (l % 4) .. 4 (l % 4) + 3,
//   its four loads                16 bytes each, one dword of each of its rows, 64 bytes apart
//
// Four lanes read 64 consecutive bytes of two sectors. An activation that a lane loads meets four
// rows of weights. What a unit's bytes mean is the Format's (tile/panel_s8.cuh and others):
//
//   Sum              int32_t, whose sums are exact, or float
//   kLayout          of the panels
//   kActivation      bytes of an activation
//   kMostTokens      at a time; more are several passes, whose blocks lie side by side
//   Unit             scales of the unit, loaded with its codes
//   Sums<kTokens>    what a lane adds up: begin(unit), piece(...) for each 16 bytes of activations
//                    of four tokens or fewer, end(unit), and value(r, j) when all units are in
//   result(g, ...)   y of a sum
//
// A batch is so many matrices with their activations, one behind the other: blockIdx.z.
//
// Float sums are in the order of tile/panel_plan.h.
#pragma once
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/ptx/dependency.cuh"
#include "nibble/cuda/ptx/load.cuh"
#include "nibble/cuda/tile/panel_plan.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::cuda::tile {
namespace {

struct PanelGemv {
  int m = 0, n = 0;               // tokens, rows of weights
  int units = 0, row_bytes = 0;   // of a row of weights, of a row of activations
  int64_t x_stride = 0, ldy = 0;  // bytes of activations to the next token; floats of y
  int64_t panel_bytes = 0;        // to the next panel
  int batch = 1;                  // to the next entry: matrix_bytes, `factors` of them, m rows
  int64_t matrix_bytes = 0, factors = 0;
  bool x_aligned = false;  // all rows of x begin at multiples of 16 bytes
  int factor_blocks = 0;   // of a row, where w_scale is of 128 x 128 weights
  const uint8_t *w = nullptr, *x = nullptr;
  const float *w_scale = nullptr, *x_scale = nullptr;
  float* y = nullptr;
  void* partial = nullptr;  // Sum[8][m][n] if K is split

  // The pointers of one entry of the batch.
  template <class Sum>
  __device__ __forceinline__ void go_to(int64_t entry) {
    w += entry * matrix_bytes, x += entry * m * x_stride, y += entry * m * ldy;
    if (w_scale) w_scale += entry * factors;
    if (x_scale) x_scale += entry * m;
    partial = static_cast<Sum*>(partial) + entry * kPanelWarps * m * n;
  }
};

__device__ __forceinline__ uint32_t dword(const uint4& v, int i) {
  return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w;
}

// 16 bytes of a row of activations that may begin anywhere and end before them: zeros behind it.
__device__ __forceinline__ uint4 load_careful(const uint8_t* row, int at, int row_bytes) {
  uint4 v = {};
#pragma unroll 1
  for (int i = 15; i >= 0; --i) {
    v.w = __funnelshift_l(v.z, v.w, 8), v.z = __funnelshift_l(v.y, v.z, 8);
    v.y = __funnelshift_l(v.x, v.y, 8), v.x <<= 8;
    if (at + i < row_bytes) v.x |= row[at + i];
  }
  return v;
}

// Where the units of a lane are: every 64th, so in the same place of their tiles.
template <class Format>
struct UnitPlace {
  static constexpr int kInTile = Format::kLayout.dwords() / kUnitDwords;  // of a row
  static constexpr int kStride = kPanelWarps * kStepUnits;
  static_assert(kStride % kInTile == 0);

  const uint8_t* tile;
  int unit, slot, quad;
  __device__ __forceinline__ UnitPlace(const PanelGemv& g, int panel, int unit, int quad)
      : unit(unit), slot(unit % kInTile), quad(quad) {
    tile = g.w + panel * g.panel_bytes + int64_t(unit / kInTile) * Format::kLayout.tile_bytes();
  }
  __device__ __forceinline__ void next() {
    unit += kStride, tile += kStride / kInTile * Format::kLayout.tile_bytes();
  }
};

template <class Format, int kTokens>
__device__ __forceinline__ void add_unit(const PanelGemv& g, const UnitPlace<Format>& place,
                                         int panel, int j0,
                                         typename Format::template Sums<kTokens>& sums) {
  constexpr PanelLayout l = Format::kLayout;
  constexpr int kUnitBytes = kUnitDwords * l.dword_k() * Format::kActivation;
  const int unit = place.unit;
  const uint8_t* codes = place.tile + l.dword_offset(4 * place.quad, place.slot * kUnitDwords);
  uint4 w[kUnitDwords];
#pragma unroll
  for (int i = 0; i < kUnitDwords; ++i) w[i] = ptx::load_streamed(codes + 4 * kPanelRows * i);
  const typename Format::Unit scales(g, place, panel);
  const bool whole = g.x_aligned && (unit + 1) * kUnitBytes <= g.row_bytes;
  sums.begin();
#pragma unroll
  for (int p = 0; p < kUnitBytes / 16; ++p) {
    const int at = unit * kUnitBytes + 16 * p;
#pragma unroll
    for (int first = 0; first < kTokens; first += 4) {
      uint4 x[kTokens < 4 ? kTokens : 4];
      constexpr int kSome = int(sizeof x / sizeof *x);
      if (whole) {
#pragma unroll
        for (int j = 0; j < kSome; ++j)
          x[j] = ptx::load_kept(g.x + min(j0 + first + j, g.m - 1) * g.x_stride + at);
      } else {
#pragma unroll
        for (int j = 0; j < kSome; ++j)
          x[j] = load_careful(g.x + min(j0 + first + j, g.m - 1) * g.x_stride, at, g.row_bytes);
      }
      sums.piece(w, p, first, x);
    }
  }
  sums.end(scales);
}

// Grid: panels with the passes over each side by side, splits of K, batch. Block: 32 lanes, virtual
// warps, panels.
template <class Format, int kTokens>
__device__ __forceinline__ void panel_gemv(const PanelGemv& g) {
  using Sum = typename Format::Sum;
  constexpr int kSums = kTokens * kPanelRows;
  __shared__ Sum shared[kPanelWarps][kSums];
  const int lane = int(threadIdx.x), passes = (g.m + kTokens - 1) / kTokens;
  const int j0 = int(blockIdx.x) % passes * kTokens;
  const int first_panel = int(blockIdx.x) / passes * int(blockDim.z);
  const int panel = first_panel + int(threadIdx.z);
  const int begin = int(blockIdx.y) * (kPanelWarps / int(gridDim.y));
  const int v = begin + int(threadIdx.y);
  typename Format::template Sums<kTokens> sums;
  if (panel * kPanelRows < g.n)
    for (UnitPlace<Format> at(g, panel, v * kStepUnits + lane / 4, lane % 4); at.unit < g.units;
         at.next())
      add_unit<Format, kTokens>(g, at, panel, j0, sums);
  __syncwarp();
#pragma unroll
  for (int j = 0; j < kTokens; ++j)
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      Sum sum = sums.value(r, j);
#pragma unroll
      for (int d = 16; d >= 4; d /= 2) sum += __shfl_xor_sync(~0u, sum, d);
      if (lane < 4)
        shared[threadIdx.y + blockDim.y * threadIdx.z][j * kPanelRows + 4 * lane + r] = sum;
    }
  __syncthreads();
  Sum* partial = static_cast<Sum*>(g.partial);
  const int warps = min(int(blockDim.y), used_warps(g.units) - begin);
  const int thread = lane + 32 * int(threadIdx.y + blockDim.y * threadIdx.z);
  for (int i = thread; i < int(blockDim.z) * kSums; i += 32 * int(blockDim.y * blockDim.z)) {
    const int group = i / kSums, j = j0 + i % kSums / kPanelRows;
    const int row = (first_panel + group) * kPanelRows + i % kPanelRows;
    if (j >= g.m || row >= g.n) continue;
    Sum total = 0;
    for (int u = 0; u < warps; ++u) {
      const Sum sum = shared[u + int(blockDim.y) * group][i % kSums];
      if (gridDim.y > 1) partial[(int64_t(begin + u) * g.m + j) * g.n + row] = sum;
      total += sum;
    }
    if (gridDim.y == 1) g.y[j * g.ldy + row] = Format::result(g, total, j, row);
  }
}

// The bounds are the budget of registers: 64 with one token, so that 32 warps have loads in flight
// and four blocks of a multiprocessor take 448 panels at once, 128 with more, which are bound by
// arithmetic.
template <class Format, bool kOverlap, int kTokens>
__global__ void __launch_bounds__(256, kTokens == 1 ? 4 : 2) panel_gemv_rows(PanelGemv g) {
  if constexpr (kOverlap) ptx::release_next();
  g.go_to<typename Format::Sum>(blockIdx.z);
  panel_gemv<Format, kTokens>(g);
}

// The second stage of a split: the virtual warps' sums in their order.
template <class Format, bool kOverlap>
__global__ void __launch_bounds__(256, 4) panel_gemv_combine(PanelGemv g) {
  if constexpr (kOverlap) ptx::wait_for_previous();
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x), outputs = g.m * g.n;
  if (i >= outputs) return;
  g.go_to<typename Format::Sum>(blockIdx.z);
  typename Format::Sum total = 0;
  for (int v = 0; v < used_warps(g.units); ++v)
    total += static_cast<const typename Format::Sum*>(g.partial)[int64_t(v) * outputs + i];
  g.y[i / g.n * g.ldy + i % g.n] = Format::result(g, total, i / g.n, i % g.n);
}

template <class Format, bool kOverlap, int kTokens>
void launch_panel_rows(const PanelGemv& g, const Exec& e) {
  const int passes = (g.m + kTokens - 1) / kTokens;
  const PanelPlan p = plan_panels(g.n, g.units, passes * g.batch, multiprocessors());
  const unsigned batch = unsigned(g.batch);
  const int block_rows = kPanelRows * p.groups;
  const unsigned tiles = unsigned((g.n - 1) / block_rows + 1);
  launch(panel_gemv_rows<Format, kOverlap, kTokens>,
         {.grid = dim3(tiles * unsigned(passes), unsigned(p.splits), batch),
          .block = dim3(32, unsigned(p.k_warps), unsigned(p.groups))},
         e, g);
  if (p.splits == 1) return;
  launch(panel_gemv_combine<Format, kOverlap>,
         {.grid = dim3(unsigned((g.m * g.n + 255) / 256), 1, batch),
          .block = 256,
          .overlaps_previous = kOverlap},
         e, g);
}

// kOverlap: the second kernel begins while the first one ends; sm_90 and later.
template <class Format, bool kOverlap>
void launch_panels(const PanelGemv& g, const Exec& e) {
  if (g.m == 1) return launch_panel_rows<Format, kOverlap, 1>(g, e);
  if (g.m == 2) return launch_panel_rows<Format, kOverlap, 2>(g, e);
  if constexpr (Format::kMostTokens > 4)
    if (g.m > 4) return launch_panel_rows<Format, kOverlap, 8>(g, e);
  launch_panel_rows<Format, kOverlap, 4>(g, e);
}

// Of the arguments that all such ops have; `g` brings the others.
template <class Format, bool kOverlap, class Args>
void run_panels(const Args& a, const Exec& e, PanelGemv g) {
  constexpr int kUnitColumns = kUnitDwords * Format::kLayout.dword_k();
  g.m = int(a.m), g.n = a.n;
  g.units = (a.k + kUnitColumns - 1) / kUnitColumns, g.row_bytes = a.k * Format::kActivation;
  g.x_stride = a.ldx * Format::kActivation, g.ldy = a.ldy;
  g.panel_bytes = Format::kLayout.panel_bytes(a.k);
  g.w = a.w, g.x = reinterpret_cast<const uint8_t*>(a.x), g.w_scale = a.w_scale, g.y = a.y;
  g.batch = a.batch;
  g.matrix_bytes = Format::kLayout.bytes(a.n, a.k);
  g.factors = g.factor_blocks > 0 ? (a.n + 127) / 128 * g.factor_blocks : a.n;
  const bool one_row = a.m == 1 && g.batch == 1;
  g.x_aligned = reinterpret_cast<uintptr_t>(a.x) % 16 == 0 && (one_row || g.x_stride % 16 == 0);
  launch_panels<Format, kOverlap>(g, e);
}

}  // namespace
}  // namespace nibble::cuda::tile
