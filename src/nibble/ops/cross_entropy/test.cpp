#include <algorithm>

#include "nibble/harness/verify.h"
#include "nibble/ops/cross_entropy/cross_entropy.h"

using namespace nibble;
using namespace nibble::cross_entropy;

int main() {
  const float logits[8] = {}, bias[4] = {};
  const uint8_t target[2] = {3, 0};
  float loss[2];
  const Args good{
      .rows = 2, .symbols = 4, .ld = 4, .logits = logits, .target = target, .loss = loss};
  Args narrow = good, unused = good, negative = good, missing = good;
  narrow.ld = 3;
  unused.bias = bias;
  negative.eps = -1;
  missing.ld_gradient = 4;
  const Args bad[] = {narrow, unused, negative, missing};
  const bool checks =
      Op::check(good).ok() &&
      std::none_of(std::begin(bad), std::end(bad), [](const Args& a) { return Op::check(a).ok(); });
  return harness::verify_main("cross_entropy", checks);
}
