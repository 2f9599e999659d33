#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/relative_error.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/fp4_panel_cases.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_view.h"
#include "nibble/ops/gemm_nvfp4_s16/gemm_nvfp4_s16.h"

using namespace nibble;
using namespace nibble::gemm_nvfp4_s16;

namespace {

// What 16 bits of activations cost, and what sums in float: y from activations of a bell shape, one
// in 200 of them `outlier` times as large, against sums in double of the codes, and of the
// activations before they became codes.
//
// Rounding to codes is noise of scale / sqrt(12), which a sum keeps in proportion to its terms.
bool is_accurate(int k, float outlier, double most) {
  Args a{.m = 3, .n = 160, .k = k, .ldx = k, .ldy = 160};
  harness::CaseMemory memory;
  Op::buffers(a, memory);
  Random rng(uint64_t(k), 9);
  std::fill_n(writable(a.w_scale), a.n, 0.01f);
  fill_panels(kPanels, a.n, k, rng, likely_e4m3, writable(a.w));
  std::vector<float> x(size_t(a.m * k));
  for (float& v : x)
    v = (rng.uniform(-1, 1) + rng.uniform(-1, 1) + rng.uniform(-1, 1)) *
        (rng.below(200) == 0 ? outlier : 1.0f);
  for (int64_t i = 0; i < a.m; ++i) {
    const float* row = x.data() + i * k;
    const float scale = writable(a.x_scale)[i] = s16_scale(amax_of(row, k));
    for (int c = 0; c < k; ++c) writable(a.x)[i * k + c] = s16_element(scale, row[c]);
  }
  // All variants agree in every bit, so the last, which runs anywhere, stands for all.
  if (!Op::check(a).ok()) return false;
  Op::variants().back().run(a, {});

  harness::RelativeError of_codes, of_floats;
  for (int j = 0; j < a.n; ++j) {
    const std::vector<double> w = decoded_row<e4m3>({kPanels, a.w, k}, j);
    for (int64_t i = 0; i < a.m; ++i) {
      double from_codes = 0, from_floats = 0;
      for (int c = 0; c < k; ++c) {
        from_codes += w[size_t(c)] * a.x[i * k + c];
        from_floats += w[size_t(c)] * x[size_t(i * k + c)];
      }
      of_codes.add(a.y[i * a.ldy + j], from_codes * a.x_scale[i] * a.w_scale[j]);
      of_floats.add(a.y[i * a.ldy + j], from_floats * a.w_scale[j]);
    }
  }
  fmt::print(
      "k {}, outliers times {}: relative L2 error {:.2g} of the int16 activations, {:.2g} of the "
      "floats\n",
      k, outlier, of_codes.l2(), of_floats.l2());
  return of_codes.l2() <= 1e-6 && of_floats.l2() <= most;
}

}  // namespace

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 24, .ldx = 24, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 16, .ldx = 16, .ldy = 7}).ok();
  const bool accurate = is_accurate(1024, 1, 5e-5) && is_accurate(4096, 1, 5e-5) &&
                        is_accurate(14336, 1, 5e-5) && is_accurate(4096, 10, 3e-4);
  return harness::verify_main(
      "gemm_nvfp4_s16", refused && accurate && chooses_by_isa<Op>({.m = 1, .n = 64, .k = 64}));
}
