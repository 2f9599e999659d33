#include "nibble/base/chosen.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_base3_s8/gemm_base3_s8.h"

using namespace nibble;
using namespace nibble::gemm_base3_s8;

int main() {
  const bool refused =
      !Op::check({.m = 1, .n = 1, .k = kMaxK + 1, .ldx = kMaxK + 1, .ldy = 1}).ok() &&
      !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 4, .ldy = 7}).ok() &&
      !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 3, .ldy = 8}).ok() &&
      !Op::check({.batch = 0, .m = 1, .n = 8, .k = 4, .ldx = 4, .ldy = 8}).ok() &&
      !Op::check({.m = 0, .n = 8, .k = 4, .ldx = 4, .ldy = 8}).ok();

  bool chosen = true;
  for (int64_t m : {1, 8, 512})
    chosen = chosen && chooses_by_isa<Op>({.m = m, .n = 4096, .k = 4096});
  return harness::verify_main("gemm_base3_s8", refused && chosen);
}
