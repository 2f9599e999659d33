#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/relative_error.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/fp4_panel_cases.h"
#include "nibble/numerics/mx.h"
#include "nibble/numerics/panel_view.h"
#include "nibble/ops/gemm_mxfp4_e4m3/gemm_mxfp4_e4m3.h"

using namespace nibble;
using namespace nibble::gemm_mxfp4_e4m3;

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

// A row of floats as e4m3 with a scale for each x_block of them.
void encode(const Args& a, int64_t i, const float* x) {
  for (int64_t s = 0; s < a.x_scales(); ++s) {
    const int64_t from = s * a.x_block, to = std::min<int64_t>(a.k, from + a.x_block);
    const ue8m0 scale = mx_scale<e4m3>(MxScale::rceil, amax_of(x + from, to - from));
    writable(a.x_scale)[i * a.x_scales() + s] = scale;
    for (int64_t k = from; k < to; ++k)
      writable(a.x)[i * a.ldx + k] = to_e4m3_saturating(x[k] / to_float(scale));
  }
}

// What sums in float cost, and what activations of 8 bits: y against sums in double of the codes,
// and of the floats that they were made of.
bool is_accurate(int k, int x_block) {
  Args a{.m = 3, .n = 160, .k = k, .ldx = k, .ldy = 160, .x_block = x_block};
  harness::CaseMemory memory;
  Op::buffers(a, memory);
  Random rng(uint64_t(k), 9);
  std::fill_n(writable(a.w_scale), a.n, 1.0f);
  fill_panels(
      kPanels, a.n, k, rng, [](Random& r) { return uint8_t(118 + r.below(4)); }, writable(a.w));
  std::vector<float> x(size_t(a.m * k));
  for (float& v : x) v = rng.uniform(-1, 1) + rng.uniform(-1, 1) + rng.uniform(-1, 1);
  for (int64_t i = 0; i < a.m; ++i) encode(a, i, x.data() + i * k);
  // All variants agree in every bit, so the last, which runs anywhere, stands for all.
  if (!Op::check(a).ok()) return false;
  Op::variants().back().run(a, {});

  harness::RelativeError of_codes, of_floats;
  for (int j = 0; j < a.n; ++j) {
    const std::vector<double> w = decoded_row<ue8m0>({kPanels, a.w, k}, j);
    for (int64_t i = 0; i < a.m; ++i) {
      double from_codes = 0, from_floats = 0;
      for (int c = 0; c < k; ++c) {
        const double scale = to_float(a.x_scale[i * a.x_scales() + c / x_block]);
        from_codes += w[size_t(c)] * to_float(a.x[i * k + c]) * scale;
        from_floats += w[size_t(c)] * x[size_t(i * k + c)];
      }
      of_codes.add(a.y[i * a.ldy + j], from_codes);
      of_floats.add(a.y[i * a.ldy + j], from_floats);
    }
  }
  fmt::print(
      "k {}, scales of {}: relative L2 error {:.2g} of the e4m3 activations, {:.2g} of the "
      "floats\n",
      k, x_block, of_codes.l2(), of_floats.l2());
  return of_codes.l2() <= 1e-6 && of_floats.l2() <= 0.035;
}

}  // namespace

int main() {
  const bool refused =
      !Op::check({.m = 1, .n = 1, .k = 48, .ldx = 48, .ldy = 1}).ok() &&
      !Op::check({.m = 1, .n = 8, .k = 32, .ldx = 32, .ldy = 8, .x_block = 16}).ok();
  const bool accurate = is_accurate(1024, 32) && is_accurate(4096, 32) && is_accurate(4096, 128) &&
                        is_accurate(14336, 128);
  return harness::verify_main("gemm_mxfp4_e4m3", refused && chooses() && accurate);
}
