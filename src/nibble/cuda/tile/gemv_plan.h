// How a GEMV over a long K is cut: shared by the kernels of tile/gemv_nvfp4.cuh and by ops that
// promise its order of sums.
//
// The order is a matter of K alone. A chunk is 1024 elements of a row, 32 for each of 32 lanes. The
// chunks are dealt to eight virtual warps, chunk c to warp c % 8. Lane t of a virtual warp adds its
// blocks of 16 one after another to its own float, one fma a block; the lanes are added in the tree
// of distances 16, 8, 4, 2, 1, and the virtual warps in the order of their numbers. Who plays which
// virtual warp is the plan's choice and changes no bit.
#pragma once
#include <algorithm>
#include <cstdint>

namespace nibble::cuda::tile {

inline constexpr int kChunk = 1024, kLaneElements = 32, kVirtualWarps = 8;

constexpr int virtual_warps(int k) { return std::min(kVirtualWarps, (k + kChunk - 1) / kChunk); }

struct GemvPlan {
  int weight_rows = 1;  // that a warp works on at a time: their loads are in flight together
  int k_warps = 1;      // of a block that share a row
  int row_groups = 1;   // of a block, each with its k_warps
  int splits = 1;       // blocks that share a row; more than one: a second kernel adds
  int64_t row_tiles = 1;
};

constexpr int64_t row_tiles(const GemvPlan& p, int64_t m) {
  const int block_rows = p.weight_rows * p.row_groups;
  return (m + block_rows - 1) / block_rows;
}

// The most rows over all batch entries for which K may be split, and with it the workspace: with
// more there are blocks enough.
inline constexpr int64_t kSplitRows = 4096;

// `multiprocessors` of the device; `rows` of activations, which share the registers.
constexpr GemvPlan plan_gemv(int64_t m, int k, int rows, int batch, int multiprocessors) {
  GemvPlan p;
  const int used = virtual_warps(k);
  // Four rows a warp are 64 bytes in flight a lane, 32 KiB a multiprocessor of 16 warps, and share
  // what it takes to decode activations. With fewer than 16 such warps, more warps instead.
  const bool few = m * batch < int64_t(4) * kVirtualWarps * multiprocessors &&
                   m * batch * used < int64_t(4) * 16 * multiprocessors;
  p.weight_rows = rows > 1 ? 2 : few ? 1 : 4;
  p.k_warps = used;
  p.row_groups = std::max(1, kVirtualWarps / used);
  while (p.row_groups > 1 && row_tiles(p, m) * batch < multiprocessors) p.row_groups /= 2;
  if (m * batch <= kSplitRows)
    while (p.splits < used && 2 * p.splits <= kVirtualWarps &&
           row_tiles(p, m) * batch * p.splits < multiprocessors)
      p.splits *= 2;
  p.k_warps = std::min(used, kVirtualWarps / p.splits);
  p.row_tiles = row_tiles(p, m);
  return p;
}

// 7168 columns are seven warps with one load each, as many bytes as a block of 224 threads reads.
static_assert(plan_gemv(7168, 7168, 1, 1, 148).k_warps == 7);
static_assert(plan_gemv(7168, 16384, 1, 1, 148).weight_rows == 4);
static_assert(plan_gemv(4096, 4096, 1, 1, 132).weight_rows == 4);
static_assert(plan_gemv(4096, 1024, 1, 1, 132).weight_rows == 1);
static_assert(plan_gemv(4096, 2048, 1, 4, 148).row_groups == 4);
static_assert(plan_gemv(16, 16384, 1, 1, 132).splits == 8);
static_assert(plan_gemv(7168, 16384, 1, 1, 148).splits == 1);

}  // namespace nibble::cuda::tile
