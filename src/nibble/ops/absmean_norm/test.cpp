#include "nibble/harness/verify.h"
#include "nibble/ops/absmean_norm/absmean_norm.h"

using namespace nibble;
using namespace nibble::absmean_norm;

int main() {
  int8_t x[8] = {}, y[8] = {};
  const float add[8] = {};
  const Args good{.rows = 1, .cols = 8, .x = x, .y = y};
  Args wide = good, missing = good, unused = good;
  wide.cols = kMaxCols + 1;
  missing.add_kind = Add::s32;
  unused.add = add;
  const bool checks = Op::check(good).ok() && !Op::check(wide).ok() && !Op::check(missing).ok() &&
                      !Op::check(unused).ok();
  return harness::verify_main("absmean_norm", checks);
}
