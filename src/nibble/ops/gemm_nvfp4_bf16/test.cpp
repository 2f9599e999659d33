#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/relative_error.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/fp4_panel_cases.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_view.h"
#include "nibble/ops/gemm_nvfp4_bf16/gemm_nvfp4_bf16.h"

using namespace nibble;
using namespace nibble::gemm_nvfp4_bf16;

namespace {

bool chooses() {
  const auto on = [](IsaSet isas, MicroArch uarch, int64_t m) {
    return chosen<Op>({.m = m, .n = 64, .k = 64}, isas, uarch);
  };
  if (on(Isa::portable, MicroArch::unknown, 1) != "portable") return false;
  if (Op::variants().size() == 1) return true;
  const IsaSet vnni = Isa::avx512 | Isa::vnni;
  return on(Isa::avx2, MicroArch::zen3, 1) == "avx2" &&
         on(vnni, MicroArch::ice_lake, 1) == "avx512_fma" &&
         on(vnni | Isa::bf16, MicroArch::zen5, 64) == "avx512_bf16" &&
         on(vnni | Isa::bf16, MicroArch::sapphire_rapids, 64) == "avx512_fma";
}

// What sums in float cost, and what bf16 activations: y against sums in double of the activations
// as they are, and of the floats that they were rounded from.
bool is_accurate(int k) {
  Args a{.m = 3, .n = 160, .k = k, .ldx = k, .ldy = 160};
  harness::CaseMemory memory;
  Op::buffers(a, memory);
  Random rng(uint64_t(k), 9);
  std::fill_n(writable(a.w_scale), a.n, 0.01f);
  fill_panels(kPanels, a.n, k, rng, likely_e4m3, writable(a.w));
  std::vector<float> x(size_t(a.m * k));
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = rng.uniform(-1, 1) + rng.uniform(-1, 1) + rng.uniform(-1, 1);
    writable(a.x)[i] = to_bf16(x[i]);
  }
  // All variants agree in every bit, so the last, which runs anywhere, stands for all.
  if (!Op::check(a).ok()) return false;
  Op::variants().back().run(a, {});

  harness::RelativeError of_bf16, of_floats;
  for (int j = 0; j < a.n; ++j) {
    const std::vector<double> w = decoded_row<e4m3>({kPanels, a.w, k}, j);
    for (int64_t i = 0; i < a.m; ++i) {
      double from_bf16 = 0, from_floats = 0;
      for (int c = 0; c < k; ++c) {
        from_bf16 += w[size_t(c)] * to_float(a.x[i * k + c]);
        from_floats += w[size_t(c)] * x[size_t(i * k + c)];
      }
      of_bf16.add(a.y[i * a.ldy + j], from_bf16 * a.w_scale[j]);
      of_floats.add(a.y[i * a.ldy + j], from_floats * a.w_scale[j]);
    }
  }
  fmt::print("k {}: relative L2 error {:.2g} of the bf16 activations, {:.2g} of the floats\n", k,
             of_bf16.l2(), of_floats.l2());
  return of_bf16.l2() <= 1e-6 && of_floats.l2() <= 2e-3;
}

}  // namespace

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 24, .ldx = 24, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 16, .ldx = 16, .ldy = 7}).ok();
  const bool accurate = is_accurate(1024) && is_accurate(4096) && is_accurate(14336);
  return harness::verify_main("gemm_nvfp4_bf16", refused && chooses() && accurate);
}
