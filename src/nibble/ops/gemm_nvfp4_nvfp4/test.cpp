#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/relative_error.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/fp4_token_cases.h"
#include "nibble/numerics/panel_view.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/gemm_nvfp4_nvfp4.h"

using namespace nibble;
using namespace nibble::gemm_nvfp4_nvfp4;

namespace {

// What sums in float cost, and what activations of 4 bits: y against sums in double of the codes,
// and of the floats that they were made of.
bool is_accurate(int k) {
  Args a{.m = 3, .n = 160, .k = k, .ldx = k, .ldy = 160};
  harness::CaseMemory memory;
  Op::buffers(a, memory);
  Random rng(uint64_t(k), 9);
  std::fill_n(writable(a.w_scale), a.n, 0.01f);
  fill_panels(kLayout, a.n, k, rng, likely_e4m3, writable(a.w));
  std::vector<float> x(size_t(a.m * k));
  for (float& v : x) v = rng.uniform(-1, 1) + rng.uniform(-1, 1) + rng.uniform(-1, 1);
  for (int64_t i = 0; i < a.m; ++i) encode_nvfp4_token(a, i, x.data() + i * k);
  // All variants agree in every bit, so the last, which runs anywhere, stands for all.
  if (!Op::check(a).ok()) return false;
  Op::variants().back().run(a, {});

  harness::RelativeError of_codes, of_floats;
  for (int j = 0; j < a.n; ++j) {
    const std::vector<double> w = decoded_row<e4m3>({kLayout, a.w, k}, j);
    for (int64_t i = 0; i < a.m; ++i) {
      double from_codes = 0, from_floats = 0;
      for (int c = 0; c < k; ++c) {
        const e2m1x2 pair = a.x[(i * k + c) / 2];
        const double value = to_float(c % 2 == 0 ? low(pair) : high(pair));
        from_codes += w[size_t(c)] * value * to_float(a.x_blocks[(i * k + c) / 16]);
        from_floats += w[size_t(c)] * x[size_t(i * k + c)];
      }
      of_codes.add(a.y[i * a.ldy + j], from_codes * a.x_scale[i] * a.w_scale[j]);
      of_floats.add(a.y[i * a.ldy + j], from_floats * a.w_scale[j]);
    }
  }
  fmt::print("k {}: relative L2 error {:.2g} of the NVFP4 activations, {:.2g} of the floats\n", k,
             of_codes.l2(), of_floats.l2());
  return of_codes.l2() <= 1e-6 && of_floats.l2() <= 0.12;
}

}  // namespace

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 24, .ldx = 24, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 16, .ldx = 17, .ldy = 8}).ok();
  const bool accurate = is_accurate(1024) && is_accurate(4096) && is_accurate(14336);
  return harness::verify_main(
      "gemm_nvfp4_nvfp4", refused && accurate && chooses_by_isa<Op>({.m = 1, .n = 64, .k = 64}));
}
