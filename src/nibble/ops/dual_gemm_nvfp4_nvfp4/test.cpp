#include "nibble/base/chosen.h"
#include "nibble/harness/dual_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/panel_view.h"
#include "nibble/ops/dual_gemm_nvfp4_nvfp4/cases.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/gemm_nvfp4_nvfp4.h"

using namespace nibble;
using namespace nibble::dual_gemm_nvfp4_nvfp4;

namespace {

std::vector<double> decoded(const Args& a, const uint8_t* panels, int j) {
  return decoded_row<e4m3>({kLayout, panels, a.k}, j);
}
// Gates are around 1.
void fill_even(Args& a, Random& rng) {
  for (const uint8_t* panels : {a.gate, a.up})
    nibble::fill_panels(kLayout, a.n, a.k, rng, likely_e4m3, writable(panels));
  for (const float* scale : {a.gate_scale, a.up_scale})
    std::fill_n(writable(scale), a.n, 0.1f / std::sqrt(float(a.k)));
}
bool is_accurate(int k, float outlier, double most) {
  return harness::dual_is_accurate<Op>(k, outlier, most, fill_even, decoded);
}

}  // namespace

int main() {
  const Args some{.m = 13, .n = 49, .k = 208, .ldx = 212, .ldy = 50};
  using Cases = Fp4DualCases<Args, Nvfp4CaseScales, kLayout>;
  const bool right =
      harness::dual_refuses<Op>(some, 24) &&
      harness::dual_is_of_products<Op, gemm_nvfp4_nvfp4::Op>(some, Cases::fill_random) &&
      harness::dual_is_of_products<Op, gemm_nvfp4_nvfp4::Op>(some, Cases::fill_nan);
  const bool accurate =
      is_accurate(1024, 1, 0.2) && is_accurate(4096, 1, 0.2) && is_accurate(4096, 10, 0.3);
  return harness::verify_main("dual_gemm_nvfp4_nvfp4",
                              right && accurate && chooses_by_isa<Op>({.m = 1, .n = 64, .k = 64}));
}
