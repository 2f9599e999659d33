// What the contracts of dual products share, y = silu(g) * u, silu(g) = g / (1 + exp(-g)), whatever
// their formats: checks, buffers, and what a reference makes of g and u.
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "nibble/base/hd.h"
#include "nibble/base/op.h"

namespace nibble {

// The largest finite one.
inline double greatest_of(const float* x, int64_t count) {
  double most = 0;
  for (int64_t i = 0; i < count; ++i)
    if (std::isfinite(x[i])) most = std::fmax(most, std::fabs(x[i]));
  return most;
}

// workspace is a multiple of `align`. Tokens have factors if Args do, weights unless !factors.
template <class Args>
Status dual_check(const std::string& op, const Args& a, uintptr_t align, bool factors = true) {
  if (a.m < 1 || a.n < 1)
    return Status::error(op + ": m and n must be positive, got m=" + std::to_string(a.m) +
                         ", n=" + std::to_string(a.n));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error(op + ": ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  if (!a.gate || !a.up || !a.x || !a.y || !a.workspace)
    return Status::error(op + ": gate, up, x, y and workspace must not be null");
  if ((a.gate_scale == nullptr) == factors || (a.up_scale == nullptr) == factors)
    return Status::error(op + ": gate_scale and up_scale must " +
                         (factors ? "not be null" : "be null where there are no factors"));
  if constexpr (requires { a.x_scale; })
    if (!a.x_scale) return Status::error(op + ": x_scale must not be null");
  if ((reinterpret_cast<uintptr_t>(a.gate) | reinterpret_cast<uintptr_t>(a.up)) % 64 != 0)
    return Status::error(op + ": gate and up must be aligned to 64 bytes");
  if (reinterpret_cast<uintptr_t>(a.workspace) % align != 0)
    return Status::error(op + ": workspace must be aligned to " + std::to_string(align) + " bytes");
  return {};
}

// `bytes` of a matrix, and so many factors.
template <class Args>
void dual_buffers(Args& a, int64_t bytes, int64_t factors, int64_t workspace, int align,
                  BufferVisitor& v) {
  v.in("gate", a.gate, bytes, 64);
  v.in("up", a.up, bytes, 64);
  v.in("gate_scale", a.gate_scale, factors);
  v.in("up_scale", a.up_scale, factors);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  if constexpr (requires { a.x_scale; }) v.in("x_scale", a.x_scale, a.m);
  if (a.ldy == a.n)
    v.out("y", a.y, a.m * a.n);
  else
    v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("workspace", a.workspace, workspace, align);
}

// Of what the op computes as g and u, with sigmoid in double.
inline float silu_mul(float g, float u) {
  const auto sigmoid = float(1 / (1 + std::exp(-double(g))));
  const float y = float(double(g) * sigmoid) * u;
  return y != y ? bit_cast<float>(0x7fc00000u) : y;
}

template <class Args>
void silu_mul(const Args& a, const std::vector<float>& g, const std::vector<float>& u) {
  for (int64_t i = 0; i < a.m; ++i)
    for (int64_t j = 0; j < a.n; ++j)
      a.y[i * a.ldy + j] = silu_mul(g[size_t(i * a.n + j)], u[size_t(i * a.n + j)]);
}

// sigmoid is within 2.41 ulp for g >= -87; with the reference's half and those of a product less
// than 4 ulp, each at most 2^-23 of the value. Below -87 sigmoid is subnormal, and 0 below -104:
// two of its steps, times g and the greatest u. Where y is subnormal, the least float.
inline Tolerance silu_mul_tolerance(double greatest_u) {
  return {.abs = 104 * 0x1p-148 * greatest_u + 0x1p-149, .rel = 4 * 0x1p-23};
}

}  // namespace nibble
