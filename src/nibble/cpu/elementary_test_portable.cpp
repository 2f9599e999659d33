#include "nibble/cpu/elementary_test.h"

namespace nibble::cpu {

void apply_portable(Fn fn, const float* x, float* y, int64_t n) {
  apply<numerics::F32x16>(fn, x, y, n);
}
void sums_portable(const float* x, int max, float* out, float* dot) {
  sums<numerics::F32x16>(x, max, out, dot);
}
void apply_scalar(Fn fn, const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    y[i] = fn == Fn::round_fp16 ? to_float(to_fp16(x[i])) : value(fn, x[i]);
}

}  // namespace nibble::cpu
