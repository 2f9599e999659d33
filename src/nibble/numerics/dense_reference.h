// What the contracts of dense products (gemm_f32, gemm_bf16, gemm_fp16) share: checks, buffers, and
// the reference in double.
#pragma once
#include <initializer_list>
#include <string>
#include <vector>

#include "nibble/base/op.h"
#include "nibble/numerics/dense_panel.h"

namespace nibble {

// `matrices` that are packed, and their `names`.
template <class Args>
Status dense_check(const std::string& op, const Args& a,
                   std::initializer_list<const void*> matrices, const std::string& names) {
  if (a.m < 1 || a.n < 1 || a.k < 1)
    return Status::error(op + ": m, n and k must be positive, got " + std::to_string(a.m) + ", " +
                         std::to_string(a.n) + " and " + std::to_string(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error(op + ": ldx must be at least k and ldy at least n, got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  bool null = !a.x || !a.y || !a.workspace;
  auto bits = reinterpret_cast<uintptr_t>(a.workspace);
  for (const void* p : matrices) null = null || !p, bits |= reinterpret_cast<uintptr_t>(p);
  if (null) return Status::error(op + ": " + names + ", x, y and workspace must not be null");
  if (bits % 64 != 0)
    return Status::error(op + ": packed " + names + " and workspace must be aligned to 64 bytes");
  return {};
}
template <class Args>
Status dense_check(const std::string& op, const Args& a) {
  return dense_check(op, a, {a.w}, "w");
}

template <class Args>
void dense_buffers(Args& a, BufferVisitor& v) {
  constexpr DensePanel layout = kDensePanelOf<typename Args::Element>;
  v.in("w", a.w, layout.elements(a.n, a.k), 64);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("workspace", a.workspace, dense_workspace_bytes(a.m, a.k, layout), 64);
}

namespace dense_detail {
inline double to_double(float x) { return x; }
inline double to_double(fp16 x) { return to_float(x); }
inline double to_double(bf16 x) { return to_float(flushed(x)); }
}  // namespace dense_detail

// A weight row at a time, as doubles; four tokens at a time, which changes no sum.
template <class Args>
void dense_reference(const Args& a) {
  constexpr DensePanel layout = kDensePanelOf<typename Args::Element>;
  std::vector<double> x(size_t(a.m * a.k)), w(size_t(a.k));
  for (int64_t i = 0; i < a.m; ++i)
    for (int64_t k = 0; k < a.k; ++k)
      x[size_t(i * a.k + k)] = dense_detail::to_double(a.x[i * a.ldx + k]);
  for (int64_t j = 0; j < a.n; ++j) {
    for (int64_t k = 0; k < a.k; ++k)
      w[size_t(k)] = dense_detail::to_double(a.w[layout.slot(j, k, a.k)]);
    for (int64_t i = 0; i < a.m; i += 4) {
      double sum[4] = {};
      const int64_t rows = a.m - i < 4 ? a.m - i : 4;
      const double* row[4];
      for (int64_t r = 0; r < 4; ++r) row[r] = &x[size_t((i + (r < rows ? r : 0)) * a.k)];
      for (int64_t k = 0; k < a.k; ++k)
        for (int64_t r = 0; r < 4; ++r) sum[r] += w[size_t(k)] * row[r][k];
      for (int64_t r = 0; r < rows; ++r) a.y[(i + r) * a.ldy + j] = float(sum[r]);
    }
  }
}

}  // namespace nibble
