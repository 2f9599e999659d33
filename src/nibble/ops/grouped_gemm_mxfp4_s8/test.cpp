#include "nibble/base/chosen.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/grouped_gemm_mxfp4_s8/grouped_gemm_mxfp4_s8.h"

using namespace nibble;
using namespace nibble::grouped_gemm_mxfp4_s8;

int main() {
  const bool refused = !Op::check({.groups = 2,
                                   .m = 1,
                                   .n = 1,
                                   .k = 64,
                                   .ldx = 64,
                                   .ldy = 1,
                                   .w_stride = kLayout.bytes(1, 64) + 32})
                            .ok() &&
                       !Op::check({.groups = 0, .m = 1, .n = 1, .k = 64}).ok();
  const auto takes = [](std::initializer_list<int64_t> offsets) {
    return check_offsets({.groups = int(offsets.size()) - 1, .m = 9, .offsets = offsets.begin()})
        .ok();
  };
  const bool told = takes({0, 9}) && takes({0, 0, 4, 9, 9}) && !takes({0, 5, 4, 9}) &&
                    !takes({0, 8}) && !takes({1, 9}) && !takes({0, 10, 9}) && !takes({0, -1, 9});
  return harness::verify_main(
      "grouped_gemm_mxfp4_s8",
      refused && told && chooses_by_isa<Op>({.groups = 2, .m = 1, .n = 64, .k = 64}));
}
