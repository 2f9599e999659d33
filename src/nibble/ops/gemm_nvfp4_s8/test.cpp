#include <cmath>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/fp4_rows.h"
#include "nibble/ops/gemm_nvfp4_s8/cases.h"

using namespace nibble;
using namespace nibble::gemm_nvfp4_s8;

namespace {

// The contract's order of float sums stays near the exact sum: each of the k / 16 additions rounds
// once, and three products follow.
bool accurate() {
  Args a{.m = 3, .n = 40, .k = 4096, .ldx = 4096, .ldy = 40};
  std::vector<uint8_t> w(size_t(kLayout.bytes(a.n, a.k)) + 64);
  std::vector<int8_t> x(size_t(a.m * a.k));
  std::vector<float> w_scale(size_t(a.n)), x_scale(size_t(a.m)), y(size_t(a.m * a.n));
  a.w = w.data(), a.x = x.data(), a.w_scale = w_scale.data(), a.x_scale = x_scale.data();
  a.y = y.data();
  Random rng(7);
  fill_written(a, rng);
  Op::reference(a);
  const double step = (a.k / 16 + 3) * 0x1p-24;
  for (int j = 0; j < a.n; ++j) {
    const Fp4Row row(kLayout, a.w, j, a.k);
    for (int64_t i = 0; i < a.m; ++i) {
      double exact = 0, magnitudes = 0;
      for (int k = 0; k < a.k; ++k) {
        const double term = 0.5 * row.doubled[size_t(k)] * row.scale[size_t(k / 16)] *
                            a.x[i * a.ldx + k] * a.w_scale[j] * a.x_scale[i];
        exact += term, magnitudes += std::fabs(term);
      }
      if (!(std::fabs(a.y[i * a.ldy + j] - exact) <= step * magnitudes)) return false;
    }
  }
  return true;
}

}  // namespace

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 24, .ldx = 24, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 16, .ldx = 16, .ldy = 7}).ok();
  return harness::verify_main(
      "gemm_nvfp4_s8", refused && chooses_by_isa<Op>({.m = 1, .n = 64, .k = 64}) && accurate());
}
