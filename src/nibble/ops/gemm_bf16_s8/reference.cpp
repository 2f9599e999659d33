#include <algorithm>
#include <cmath>

#include "nibble/ops/gemm_bf16_s8/gemm_bf16_s8.h"

namespace nibble::gemm_bf16_s8 {

Status Op::check(const Args& a) {
  if (a.m < 1 || a.n < 16 || a.n % 16 != 0 || a.k < 16 || a.k % 16 != 0 || a.k > kMaxK)
    return Status::error(
        "gemm_bf16_s8: m must be positive, n and k positive multiples of 16, k up to 65536, got " +
        std::to_string(a.m) + ", " + std::to_string(a.n) + " and " + std::to_string(a.k));
  if (a.ldx < 1 || a.ldy < a.n)
    return Status::error("gemm_bf16_s8: ldx must be positive and ldy at least n, got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (!a.x || !a.w || !a.y || !a.workspace)
    return Status::error("gemm_bf16_s8: x, w, y and workspace must not be null");
  for (const void* p : {static_cast<const void*>(a.w), static_cast<const void*>(a.workspace)})
    if (reinterpret_cast<uintptr_t>(p) % 64 != 0)
      return Status::error("gemm_bf16_s8: packed w and workspace must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.in("w", a.w, int64_t(a.n) * a.k, 64);
  v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("workspace", a.workspace, workspace_bytes(a.m, a.k, a.ldx), 64);
}

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.m; ++i)
    for (int j = 0; j < a.n; ++j) {
      float sum = 0;
      for (int k = 0; k < a.k; k += 2)
        for (const int at : {k + 1, k})
          sum = std::fma(to_float(a.w[slot(j, at, a.k)]), float(a.x[i * a.ldx + at]), sum);
      a.y[i * a.ldy + j] = int32_t(std::nearbyint(std::clamp(sum, -0x1p30f, 0x1p30f)));
    }
}

void pack(const float* w, int64_t ldw, int n, int k, bf16* packed) {
  for (int j = 0; j < n; ++j)
    for (int at = 0; at < k; ++at) packed[slot(j, at, k)] = weight_of(w[j * ldw + at]);
}

}  // namespace nibble::gemm_bf16_s8
