#include "nibble/base/chosen.h"
#include "nibble/harness/grouped_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/grouped_gemm_mxfp4_s8/grouped_gemm_mxfp4_s8.h"

using namespace nibble;
using namespace nibble::grouped_gemm_mxfp4_s8;

int main() {
  return harness::verify_main("grouped_gemm_mxfp4_s8",
                              harness::refuses_groups<Op>(kLayout.bytes(1, 64)) &&
                                  harness::tells_offsets(check_offsets) &&
                                  chooses_by_isa<Op>({.groups = 2, .m = 1, .n = 64, .k = 64}));
}
