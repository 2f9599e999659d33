#include <array>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/grouped_checks.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/gemm_nvfp4_nvfp4.h"
#include "nibble/ops/grouped_gemm_nvfp4_nvfp4/cases.h"

using namespace nibble;
using namespace nibble::grouped_gemm_nvfp4_nvfp4;

namespace {

// Every bit of a group's results is that of one product. All variants of either agree, so the last,
// which runs anywhere, stands for all.
bool is_of_one_product() {
  namespace one = gemm_nvfp4_nvfp4;
  Args a{.groups = 3, .m = 60, .n = 35, .k = 592, .ldx = 592, .ldy = 35};
  a.w_stride = kLayout.bytes(a.n, a.k);
  harness::CaseMemory memory;
  Op::buffers(a, memory);
  Random rng(1, 1);
  Fp4GroupedCases<Args, Nvfp4CaseScales, kLayout>::special(a, rng);
  for (int g = 0; g <= a.groups; ++g) writable(a.offsets)[g] = std::array{0, 9, 9, 60}[size_t(g)];
  std::vector<float> y(size_t(a.m * a.n));
  if (!Op::check(a).ok()) return false;
  Op::variants().back().run(a, {});
  for (int g = 0; g < a.groups; ++g) {
    const int64_t i = a.offsets[g], rows = a.offsets[g + 1] - i;
    if (rows == 0) continue;
    const one::Args single{.m = rows,
                           .n = a.n,
                           .k = a.k,
                           .ldx = a.ldx,
                           .ldy = a.n,
                           .w = a.w + g * a.w_stride,
                           .w_scale = a.w_scale + g * a.n,
                           .x = a.x + i * a.ldx / 2,
                           .x_blocks = a.x_blocks + i * a.k / 16,
                           .x_scale = a.x_scale + i,
                           .y = y.data() + i * a.n,
                           .token_scale = a.token_scale,
                           .workspace = a.workspace};
    if (!one::Op::check(single).ok()) return false;
    one::Op::variants().back().run(single, {});
  }
  for (int64_t i = 0; i < a.m * a.n; ++i)
    if (float_bits(y[size_t(i)]) != float_bits(a.y[i])) return false;
  return true;
}

}  // namespace

int main() {
  return harness::verify_main("grouped_gemm_nvfp4_nvfp4",
                              refuses_groups<Op>(kLayout.bytes(1, 64)) &&
                                  tells_offsets(check_offsets) && is_of_one_product() &&
                                  chooses_by_isa<Op>({.groups = 2, .m = 1, .n = 64, .k = 64}));
}
