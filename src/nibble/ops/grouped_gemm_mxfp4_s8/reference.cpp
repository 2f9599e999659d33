#include "nibble/numerics/fp4_rows.h"
#include "nibble/ops/grouped_gemm_mxfp4_s8/grouped_gemm_mxfp4_s8.h"

namespace nibble::grouped_gemm_mxfp4_s8 {

Status Op::check(const Args& a) {
  if (a.groups < 1 || a.m < 1 || a.n < 1)
    return Status::error("grouped_gemm_mxfp4_s8: groups, m and n must be positive, got " +
                         std::to_string(a.groups) + ", " + std::to_string(a.m) + " and " +
                         std::to_string(a.n));
  if (a.k < 1 || a.k % kLayout.block != 0)
    return Status::error("grouped_gemm_mxfp4_s8: k must be a positive multiple of " +
                         std::to_string(kLayout.block) + ", got " + std::to_string(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error("grouped_gemm_mxfp4_s8: ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (a.w_stride < kLayout.bytes(a.n, a.k) || a.w_stride % 64 != 0)
    return Status::error("grouped_gemm_mxfp4_s8: w_stride must be a multiple of 64 and at least " +
                         std::to_string(kLayout.bytes(a.n, a.k)) + ", got " +
                         std::to_string(a.w_stride));
  if (!a.offsets || !a.w || !a.w_scale || !a.x || !a.x_scale || !a.y || !a.workspace)
    return Status::error(
        "grouped_gemm_mxfp4_s8: offsets, w, w_scale, x, x_scale, y and workspace must not be null");
  if (reinterpret_cast<uintptr_t>(a.w) % 64 != 0)
    return Status::error("grouped_gemm_mxfp4_s8: w must be aligned to 64 bytes");
  return {};
}

Status check_offsets(const Args& a) {
  bool rising = a.offsets[0] == 0 && a.offsets[a.groups] == a.m;
  for (int g = 0; g < a.groups; ++g) rising = rising && a.offsets[g] <= a.offsets[g + 1];
  if (rising) return {};
  return Status::error("grouped_gemm_mxfp4_s8: offsets must rise from 0 to m=" +
                       std::to_string(a.m));
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("offsets", a.offsets, a.groups + 1);
  v.in("w", a.w, (a.groups - 1) * a.w_stride + kLayout.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, int64_t(a.groups) * a.n);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, a.m);
  if (a.ldy == a.n)
    v.out("y", a.y, a.m * a.n);
  else
    v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("workspace", a.workspace, workspace_bytes(a.m, a.k));
}

Work Op::work(const Args& a) {
  int64_t read = 0;
  for (int g = 0; a.offsets && g < a.groups; ++g) read += a.offsets[g] < a.offsets[g + 1];
  return {.ops = 2 * a.m * a.n * a.k,
          .bytes = read * (kLayout.bytes(a.n, a.k) + 4 * a.n) + a.m * a.k + 4 * a.m * (a.n + 1),
          .arithmetic = Arithmetic::int8};
}

void Op::reference(const Args& a) {
  const auto x = fp4_tokens(a.x, a.ldx, a.m, a.k);
  for (int g = 0; g < a.groups; ++g)
    for (int j = 0; j < a.n; ++j) {
      const Fp4Row row(kLayout, a.w + g * a.w_stride, j, a.k);
      for (int64_t i = a.offsets[g]; i < a.offsets[g + 1]; ++i)
        a.y[i * a.ldy + j] =
            fp4_scaled(row.sum(x.data() + i * a.k), a.w_scale[int64_t(g) * a.n + j], a.x_scale[i]);
    }
}

}  // namespace nibble::grouped_gemm_mxfp4_s8
