#include <vector>

#include "nibble/ops/gemm_int8_s8/gemm_int8_s8.h"

namespace nibble::gemm_int8_s8 {
namespace {

int weight(const Args& a, int64_t j, int k) {
  const uint8_t* tile = a.w + j / kLayout.rows * kLayout.panel_bytes(a.k) +
                        k / kLayout.tile_k() * kLayout.tile_bytes();
  const int in_tile = k % kLayout.tile_k();
  const int code =
      tile[kLayout.code_offset(int(j % kLayout.rows), in_tile)] >> kLayout.code_shift(in_tile) &
      ((1 << kLayout.code_bits()) - 1);
  return int8_t(code);
}

}  // namespace

Status Op::check(const Args& a) {
  if (a.m < 1 || a.n < 1)
    return Status::error("gemm_int8_s8: m and n must be positive, got m=" + std::to_string(a.m) +
                         ", n=" + std::to_string(a.n));
  if (a.k < 1 || a.k > kMaxK)
    return Status::error("gemm_int8_s8: k must be in 1.." + std::to_string(kMaxK) + ", got " +
                         std::to_string(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error("gemm_int8_s8: ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (!a.w || !a.w_scale || !a.x || !a.x_scale || !a.y || !a.scratch)
    return Status::error("gemm_int8_s8: no pointer may be null");
  if (reinterpret_cast<uintptr_t>(a.w) % 64 != 0 ||
      reinterpret_cast<uintptr_t>(a.scratch) % 64 != 0)
    return Status::error("gemm_int8_s8: w and scratch must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("w", a.w, kLayout.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, a.n);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, a.m);
  v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("scratch", a.scratch, scratch_bytes(a.m, a.n, a.k), 64);
}

void Op::reference(const Args& a) {
  std::vector<int> row(size_t(a.k));
  for (int64_t j = 0; j < a.n; ++j) {
    for (int k = 0; k < a.k; ++k) row[size_t(k)] = weight(a, j, k);
    for (int64_t i = 0; i < a.m; ++i) {
      const int8_t* x = a.x + i * a.ldx;
      int64_t sum = 0;
      for (int k = 0; k < a.k; ++k) sum += row[size_t(k)] * x[k];
      a.y[i * a.ldy + j] = float(sum) * a.w_scale[j] * a.x_scale[i];
    }
  }
}

}  // namespace nibble::gemm_int8_s8
