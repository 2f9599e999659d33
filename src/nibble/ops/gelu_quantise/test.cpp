#include "nibble/harness/verify.h"
#include "nibble/ops/gelu_quantise/gelu_quantise.h"

using namespace nibble;
using namespace nibble::gelu_quantise;

int main() {
  const int32_t sum[4] = {};
  int8_t y[4];
  const Args good{.rows = 1, .cols = 4, .sum = sum, .y = y};
  Args empty = good, missing = good;
  empty.rows = 0;
  missing.bias_rows = 1;
  const bool checks = Op::check(good).ok() && !Op::check(empty).ok() && !Op::check(missing).ok();
  return harness::verify_main("gelu_quantise", checks);
}
