#include "nibble/harness/verify.h"
#include "nibble/ops/low_rank_noise/low_rank_noise.h"

using namespace nibble;
using namespace nibble::low_rank_noise;

int main() {
  const bool refused = !Op::check({.rows = 1, .n = 8}).ok() &&
                       !Op::check({.rows = 1, .n = 16, .parts = 65, .ld = 1}).ok() &&
                       !Op::check({.rows = 4, .n = 32, .parts = 2, .share = 2, .ld = 3}).ok();
  return harness::verify_main("low_rank_noise", refused);
}
