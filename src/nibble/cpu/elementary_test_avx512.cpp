#include "nibble/cpu/elementary_test.h"
#include "nibble/cpu/math_avx512.h"

namespace nibble::cpu {

void apply_avx512(Fn fn, const float* x, float* y, int64_t n) { apply<F32x16>(fn, x, y, n); }
void sums_avx512(const float* x, int max, float* out, float* dot) {
  sums<F32x16>(x, max, out, dot);
}

}  // namespace nibble::cpu
