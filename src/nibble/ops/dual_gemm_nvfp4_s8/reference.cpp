#include <algorithm>
#include <cmath>

#include "nibble/numerics/fp4_rows.h"
#include "nibble/ops/dual_gemm_nvfp4_s8/dual_gemm_nvfp4_s8.h"

namespace nibble::dual_gemm_nvfp4_s8 {
namespace {

// The largest finite one.
double greatest(const float* x, int64_t count) {
  double most = 0;
  for (int64_t i = 0; i < count; ++i)
    if (std::isfinite(x[i])) most = std::fmax(most, std::fabs(x[i]));
  return most;
}

}  // namespace

Status Op::check(const Args& a) {
  if (a.m < 1 || a.n < 1)
    return Status::error("dual_gemm_nvfp4_s8: m and n must be positive, got m=" +
                         std::to_string(a.m) + ", n=" + std::to_string(a.n));
  if (a.k < 1 || a.k % 16 != 0)
    return Status::error("dual_gemm_nvfp4_s8: k must be a positive multiple of 16, got " +
                         std::to_string(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error("dual_gemm_nvfp4_s8: ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (!a.gate || !a.up || !a.gate_scale || !a.up_scale || !a.x || !a.x_scale || !a.y ||
      !a.workspace)
    return Status::error(
        "dual_gemm_nvfp4_s8: gate, up, gate_scale, up_scale, x, x_scale, y and workspace must not "
        "be null");
  if ((reinterpret_cast<uintptr_t>(a.gate) | reinterpret_cast<uintptr_t>(a.up)) % 64 != 0)
    return Status::error("dual_gemm_nvfp4_s8: gate and up must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("gate", a.gate, kLayout.bytes(a.n, a.k), 64);
  v.in("up", a.up, kLayout.bytes(a.n, a.k), 64);
  v.in("gate_scale", a.gate_scale, a.n);
  v.in("up_scale", a.up_scale, a.n);
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
    const Fp4Row gate(kLayout, a.gate, j, a.k), up(kLayout, a.up, j, a.k);
    for (int64_t i = 0; i < a.m; ++i) {
      const int16_t* token = x.data() + i * a.k;
      const double g = fp4_scaled(gate.sum(token), a.gate_scale[j], a.x_scale[i]);
      const double u = fp4_scaled(up.sum(token), a.up_scale[j], a.x_scale[i]);
      const float sigmoid = float(1 / (1 + std::exp(-g)));
      a.y[i * a.ldy + j] = fp4_one_nan(float(g * sigmoid) * float(u));
    }
  }
}

// sigmoid is within 2.41 ulp for g >= -87; with the reference's half and those of a product less
// than 4 ulp, each at most 2^-23 of the value. Below -87 sigmoid is subnormal, and 0 below -104:
// two of its steps, times g and u. Where y is subnormal, the least float.
Tolerance Op::tolerance(const Args& a) {
  const double u =
      double(a.k) * 6 * 448 * 128 * greatest(a.up_scale, a.n) * greatest(a.x_scale, a.m);
  return {.abs = 104 * 0x1p-148 * u + 0x1p-149, .rel = 4 * 0x1p-23};
}

}  // namespace nibble::dual_gemm_nvfp4_s8
