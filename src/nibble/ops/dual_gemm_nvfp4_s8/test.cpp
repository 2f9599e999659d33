#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/relative_error.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/absmax.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/fp4_panel_cases.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_view.h"
#include "nibble/ops/dual_gemm_nvfp4_s8/dual_gemm_nvfp4_s8.h"

using namespace nibble;
using namespace nibble::dual_gemm_nvfp4_s8;

namespace {

double silu(double g) { return g / (1 + std::exp(-g)); }

// What sums in float cost, and what activations of 8 bits: y from activations of a bell shape, one
// in 200 of them `outlier` times as large, against the same in double of the codes, and of the
// activations before they became codes. Gates are around 1.
bool is_accurate(int k, float outlier, double most) {
  Args a{.m = 3, .n = 160, .k = k, .ldx = k, .ldy = 160};
  harness::CaseMemory memory;
  Op::buffers(a, memory);
  Random rng(uint64_t(k), 9);
  for (const uint8_t* panels : {a.gate, a.up})
    nibble::fill_panels(kLayout, a.n, k, rng, likely_e4m3, writable(panels));
  for (const float* scale : {a.gate_scale, a.up_scale})
    std::fill_n(writable(scale), a.n, 0.1f / std::sqrt(float(k)));
  std::vector<float> x(size_t(a.m * k));
  for (float& v : x)
    v = (rng.uniform(-1, 1) + rng.uniform(-1, 1) + rng.uniform(-1, 1)) *
        (rng.below(200) == 0 ? outlier : 1.0f);
  for (int64_t i = 0; i < a.m; ++i) {
    const float* row = x.data() + i * k;
    const float scale = writable(a.x_scale)[i] = s8_scale(amax_of(row, k));
    for (int c = 0; c < k; ++c) writable(a.x)[i * k + c] = s8_element(scale, row[c]);
  }
  // All variants agree in every bit, so the last, which runs anywhere, stands for all.
  if (!Op::check(a).ok()) return false;
  Op::variants().back().run(a, {});

  harness::RelativeError of_codes, of_floats;
  for (int j = 0; j < a.n; ++j) {
    const std::vector<double> gate = decoded_row<e4m3>({kLayout, a.gate, k}, j);
    const std::vector<double> up = decoded_row<e4m3>({kLayout, a.up, k}, j);
    for (int64_t i = 0; i < a.m; ++i) {
      double codes[2] = {}, floats[2] = {};
      for (int c = 0; c < k; ++c) {
        const double code = double(a.x[i * k + c]) * a.x_scale[i], value = x[size_t(i * k + c)];
        codes[0] += gate[size_t(c)] * code, codes[1] += up[size_t(c)] * code;
        floats[0] += gate[size_t(c)] * value, floats[1] += up[size_t(c)] * value;
      }
      const double g = a.gate_scale[j], u = a.up_scale[j], y = a.y[i * a.ldy + j];
      of_codes.add(y, silu(codes[0] * g) * codes[1] * u);
      of_floats.add(y, silu(floats[0] * g) * floats[1] * u);
    }
  }
  fmt::print(
      "k {}, outliers times {}: relative L2 error {:.2g} of the int8 activations, {:.2g} of "
      "the floats\n",
      k, outlier, of_codes.l2(), of_floats.l2());
  return of_codes.l2() <= 1e-6 && of_floats.l2() <= most;
}

}  // namespace

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 24, .ldx = 24, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 16, .ldx = 16, .ldy = 7}).ok();
  const bool accurate =
      is_accurate(1024, 1, 0.02) && is_accurate(4096, 1, 0.02) && is_accurate(4096, 10, 0.1);
  return harness::verify_main(
      "dual_gemm_nvfp4_s8", refused && accurate && chooses_by_isa<Op>({.m = 1, .n = 64, .k = 64}));
}
