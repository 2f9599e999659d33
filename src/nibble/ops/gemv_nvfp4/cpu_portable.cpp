// Plain C++, the order of sums that the contract promises: what the CUDA variants are held to bit
// by bit, and what runs where there is no GPU.
#include <array>

#include "nibble/cuda/tile/gemv_plan.h"
#include "nibble/ops/gemv_nvfp4/kernels.h"

namespace nibble::gemv_nvfp4 {
namespace {

using cuda::tile::kChunk;
using cuda::tile::kLaneElements;
using cuda::tile::kVirtualWarps;

// Twice the values of the codes.
constexpr int kTwice[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// At most 16 * 144 in magnitude.
int block_dot(const e2m1x2* a, const e2m1x2* b) {
  int sum = 0;
  for (int i = 0; i < 8; ++i)
    sum += kTwice[a[i].bits & 15] * kTwice[b[i].bits & 15] +
           kTwice[a[i].bits >> 4] * kTwice[b[i].bits >> 4];
  return sum;
}

struct Row {
  const e2m1x2* codes;
  const e4m3* scales;  // of the batch entry
  int64_t index;
};

float dot(const Args& a, const Row& w, const Row& x) {
  const auto scale = [&](const Row& row, int block) {
    return to_float(row.scales[scale_offset(a.layout, row.index, block, a.k / 16)]);
  };
  float total = 0;
  for (int v = 0; v < cuda::tile::virtual_warps(a.k); ++v) {
    std::array<float, 32> lane{};
    for (int chunk = v * kChunk; chunk < a.k; chunk += kVirtualWarps * kChunk)
      for (int block = chunk / 16; block < std::min(a.k, chunk + kChunk) / 16; ++block) {
        float& to = lane[size_t(block % (kChunk / 16) / (kLaneElements / 16))];
        const float sum = float(block_dot(w.codes + block * 8, x.codes + block * 8)) * 0.25f;
        to = __builtin_fmaf(sum, scale(w, block) * scale(x, block), to);
      }
    for (size_t d = 16; d > 0; d /= 2)
      for (size_t i = 0; i < d; ++i) lane[i] += lane[i + d];
    total += lane[0];
  }
  return total;
}

}  // namespace

void portable(const Args& a, const Exec& e) {
  const int64_t a_scales = scale_bytes(a.layout, a.m, a.k / 16);
  const int64_t b_scales = scale_bytes(a.layout, a.b_rows, a.k / 16);
  parallel_for(e.pool, a.batch * a.m, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t j = 0; j < a.rows; ++j) {
        const int64_t l = i / a.m, r = i % a.m;
        const float sum =
            a.alpha * dot(a, {a.a + i * (a.k / 2), a.sfa + l * a_scales, r},
                          {a.b + (l * a.b_rows + j) * (a.k / 2), a.sfb + l * b_scales, j});
        a.c[(l * a.rows + j) * a.m + r] = sum != sum ? fp16{0x7fff} : to_fp16(sum);
      }
  });
}

}  // namespace nibble::gemv_nvfp4
