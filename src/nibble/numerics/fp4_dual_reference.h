// What the contracts of dual products of fp4 panels with int8 tokens share: checks, buffers, the
// reference and its tolerance. `layout` is that of their panels, `workspace` the bytes of theirs.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>

#include "nibble/base/op.h"
#include "nibble/numerics/fp4_rows.h"

namespace nibble {

// The largest finite one.
inline double fp4_greatest(const float* x, int64_t count) {
  double most = 0;
  for (int64_t i = 0; i < count; ++i)
    if (std::isfinite(x[i])) most = std::fmax(most, std::fabs(x[i]));
  return most;
}

template <class Args>
Status fp4_dual_check(const std::string& op, const PanelLayout& layout, const Args& a) {
  if (a.m < 1 || a.n < 1)
    return Status::error(op + ": m and n must be positive, got m=" + std::to_string(a.m) +
                         ", n=" + std::to_string(a.n));
  if (a.k < 1 || a.k % layout.block != 0)
    return Status::error(op + ": k must be a positive multiple of " + std::to_string(layout.block) +
                         ", got " + std::to_string(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error(op + ": ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (!a.gate || !a.up || !a.gate_scale || !a.up_scale || !a.x || !a.x_scale || !a.y ||
      !a.workspace)
    return Status::error(op +
                         ": gate, up, gate_scale, up_scale, x, x_scale, y and workspace must not "
                         "be null");
  if ((reinterpret_cast<uintptr_t>(a.gate) | reinterpret_cast<uintptr_t>(a.up)) % 64 != 0)
    return Status::error(op + ": gate and up must be aligned to 64 bytes");
  return {};
}

template <class Args>
void fp4_dual_buffers(const PanelLayout& layout, Args& a, int64_t workspace, BufferVisitor& v) {
  v.in("gate", a.gate, layout.bytes(a.n, a.k), 64);
  v.in("up", a.up, layout.bytes(a.n, a.k), 64);
  v.in("gate_scale", a.gate_scale, a.n);
  v.in("up_scale", a.up_scale, a.n);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, a.m);
  if (a.ldy == a.n)
    v.out("y", a.y, a.m * a.n);
  else
    v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("workspace", a.workspace, workspace);
}

template <class Args>
void fp4_dual_reference(const PanelLayout& layout, const Args& a) {
  const auto x = fp4_tokens(a.x, a.ldx, a.m, a.k);
  for (int j = 0; j < a.n; ++j) {
    const Fp4Row gate(layout, a.gate, j, a.k), up(layout, a.up, j, a.k);
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
template <class Args>
Tolerance fp4_dual_tolerance(const PanelLayout& layout, const Args& a) {
  double scale = 0;  // the greatest of up's
  for (int j = 0; j < a.n; ++j) {
    const Fp4Row row(layout, a.up, j, a.k);
    scale = std::fmax(scale, fp4_greatest(row.scale.data(), int64_t(row.scale.size())));
  }
  const double u =
      double(a.k) * 6 * scale * 128 * fp4_greatest(a.up_scale, a.n) * fp4_greatest(a.x_scale, a.m);
  return {.abs = 104 * 0x1p-148 * u + 0x1p-149, .rel = 4 * 0x1p-23};
}

}  // namespace nibble
