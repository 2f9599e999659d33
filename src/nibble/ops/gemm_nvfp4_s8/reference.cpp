#include "nibble/numerics/fp4_rows.h"
#include "nibble/ops/gemm_nvfp4_s8/gemm_nvfp4_s8.h"

namespace nibble::gemm_nvfp4_s8 {

Status Op::check(const Args& a) {
  if (a.m < 1 || a.n < 1)
    return Status::error("gemm_nvfp4_s8: m and n must be positive, got m=" + std::to_string(a.m) +
                         ", n=" + std::to_string(a.n));
  if (a.k < 1 || a.k % 16 != 0)
    return Status::error("gemm_nvfp4_s8: k must be a positive multiple of 16, got " +
                         std::to_string(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error("gemm_nvfp4_s8: ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (!a.w || !a.w_scale || !a.x || !a.x_scale || !a.y || !a.workspace)
    return Status::error("gemm_nvfp4_s8: w, w_scale, x, x_scale, y and workspace must not be null");
  if (reinterpret_cast<uintptr_t>(a.w) % 64 != 0)
    return Status::error("gemm_nvfp4_s8: w must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("w", a.w, kLayout.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, a.n);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, a.m);
  if (a.ldy == a.n)
    v.out("y", a.y, a.m * a.n);
  else
    v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("workspace", a.workspace, workspace_bytes(a.m, a.k));
}

void Op::reference(const Args& a) {
  const auto x = fp4_tokens(a.x, a.ldx, a.m, a.k);
  for (int j = 0; j < a.n; ++j) {
    const Fp4Row row(kLayout, a.w, j, a.k);
    for (int64_t i = 0; i < a.m; ++i)
      a.y[i * a.ldy + j] = fp4_scaled(row.sum(x.data() + i * a.k), a.w_scale[j], a.x_scale[i]);
  }
}

}  // namespace nibble::gemm_nvfp4_s8
