#include "nibble/harness/verify.h"
#include "nibble/ops/embedding_s8/embedding_s8.h"

using namespace nibble;
using namespace nibble::embedding_s8;

int main() {
  const uint8_t token[1] = {};
  const int8_t table[8] = {};
  int8_t out[8];
  const Args good{.tokens = 1, .dim = 8, .vocab = 1, .token = token, .table = table, .out = out};
  Args large = good, missing = good;
  large.vocab = 257;
  missing.has_noise = true;
  const bool checks = Op::check(good).ok() && !Op::check(large).ok() && !Op::check(missing).ok();
  return harness::verify_main("embedding_s8", checks);
}
