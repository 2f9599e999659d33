#include "nibble/harness/verify.h"
#include "nibble/ops/fold_s8/fold_s8.h"

using namespace nibble;
using namespace nibble::fold_s8;

namespace {

// What the op is for: one GEMM on folded weights is the sum of the two it replaces.
bool folding_is_exact() {
  constexpr int n = 3, k = 8, shift = 3;
  alignas(64) int8_t packed[gemm_s8::packed_bytes(n, k)];
  int8_t w[n * k], e[n * k], x[k];
  int32_t got[n];
  for (int i = 0; i < n * k; ++i) w[i] = int8_t(i % 3 - 1), e[i] = int8_t(i % 9 - 4);
  for (int i = 0; i < k; ++i) x[i] = int8_t(40 * i - 127);
  Op::reference({.n = n, .k = k, .shift = shift, .sign = -1, .w = w, .e = e, .packed = packed});
  gemm_s8::Op::reference(
      {.m = 1, .n = n, .k = k, .lda = k, .ldc = n, .a = x, .b = packed, .c = got});
  for (int r = 0; r < n; ++r) {
    int weights = 0, noise = 0;
    for (int i = 0; i < k; ++i) weights += x[i] * w[r * k + i], noise += x[i] * e[r * k + i];
    if (got[r] != (weights << shift) - noise) return false;
  }
  return true;
}

}  // namespace

int main() {
  const int8_t w[1] = {};
  alignas(64) int8_t packed[gemm_s8::packed_bytes(1, 1)];
  const Args good{.n = 1, .k = 1, .w = w, .packed = packed};
  Args shift = good, sign = good, aligned = good;
  shift.shift = 7;
  sign.sign = 1;
  aligned.packed += 4;
  const bool checks = Op::check(good).ok() && !Op::check(shift).ok() && !Op::check(sign).ok() &&
                      !Op::check(aligned).ok();
  return harness::verify_main("fold_s8", checks && folding_is_exact());
}
