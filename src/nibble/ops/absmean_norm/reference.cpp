#include <cmath>
#include <cstdlib>

#include "nibble/ops/absmean_norm/absmean_norm.h"

namespace nibble::absmean_norm {
namespace {

int clamped(double x) { return int(std::fmin(std::fmax(x, -127), 127)); }

}  // namespace

Status Op::check(const Args& a) {
  if (a.rows < 1)
    return Status::error("absmean_norm: rows must be positive, got " + std::to_string(a.rows));
  if (a.cols < 1 || a.cols > kMaxCols)
    return Status::error("absmean_norm: cols must be in 1..65536, got " + std::to_string(a.cols));
  if (!a.x || !a.y) return Status::error("absmean_norm: x and y must not be null");
  if ((a.add != nullptr) != (a.add_kind == Add::f32) ||
      (a.sum != nullptr) != (a.add_kind == Add::s32))
    return Status::error(
        "absmean_norm: add_kind none takes neither add nor sum, f32 takes add only, s32 sum only");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("add", a.add, a.add_kind == Add::f32 ? a.rows * a.cols : 0);
  v.in("sum", a.sum, a.add_kind == Add::s32 ? a.rows * a.cols : 0);
  v.inout("x", a.x, a.rows * a.cols);
  v.out("y", a.y, a.rows * a.cols);
}

// A product of two floats is exact in double; float() then rounds as the contract does.
void Op::reference(const Args& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    int64_t sum = 0;
    for (int64_t i = r * a.cols; i < (r + 1) * a.cols; ++i) {
      if (a.add_kind != Add::none) {
        const double d =
            a.add_kind == Add::f32 ? a.add[i] : float(double(a.sum_scale) * float(a.sum[i]));
        a.x[i] = int8_t(clamped(a.x[i] + clamped(std::nearbyint(float(double(a.add_scale) * d)))));
      }
      sum += std::abs(int(a.x[i]));
    }
    const float mean = float(double(sum) / a.cols);
    const float factor = float(double(a.scale) / (mean > 1 ? mean : 1));
    for (int64_t i = r * a.cols; i < (r + 1) * a.cols; ++i)
      a.y[i] = int8_t(clamped(std::nearbyint(float(double(a.x[i]) * factor))));
  }
}

}  // namespace nibble::absmean_norm
