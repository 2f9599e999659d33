#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/relative_error.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/elementary.h"
#include "nibble/numerics/fp4_token_cases.h"
#include "nibble/numerics/lanes.h"
#include "nibble/numerics/panel_view.h"
#include "nibble/ops/dual_gemm_nvfp4_nvfp4/dual_gemm_nvfp4_nvfp4.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/gemm_nvfp4_nvfp4.h"

using namespace nibble;
using namespace nibble::dual_gemm_nvfp4_nvfp4;

namespace {

double silu(double g) { return g / (1 + std::exp(-g)); }

// Gates are around 1; x of a bell shape, one in 200 `outlier` times as large.
std::vector<float> fill(const Args& a, float outlier) {
  Random rng(uint64_t(a.k), 9);
  for (const uint8_t* panels : {a.gate, a.up})
    fill_panels(kLayout, a.n, a.k, rng, likely_e4m3, writable(panels));
  for (const float* scale : {a.gate_scale, a.up_scale})
    std::fill_n(writable(scale), a.n, 0.1f / std::sqrt(float(a.k)));
  std::vector<float> x(size_t(a.m * a.k));
  for (float& v : x)
    v = (rng.uniform(-1, 1) + rng.uniform(-1, 1) + rng.uniform(-1, 1)) *
        (rng.below(200) == 0 ? outlier : 1.0f);
  for (int64_t i = 0; i < a.m; ++i) encode_nvfp4_token(a, i, x.data() + i * a.k);
  return x;
}

// Every bit of y is of the single op's g and u.
bool is_of_two_products(const Args& a) {
  namespace one = gemm_nvfp4_nvfp4;
  std::vector<float> g(size_t(a.m * a.n)), u(size_t(a.m * a.n));
  one::Args single{.m = a.m,
                   .n = a.n,
                   .k = a.k,
                   .ldx = a.ldx,
                   .ldy = a.n,
                   .w = a.gate,
                   .w_scale = a.gate_scale,
                   .x = a.x,
                   .x_blocks = a.x_blocks,
                   .x_scale = a.x_scale,
                   .y = g.data(),
                   .token_scale = a.token_scale,
                   .workspace = a.workspace};
  const auto& any = one::Op::variants().back();
  if (!one::Op::check(single).ok()) return false;
  any.run(single, {});
  single.w = a.up, single.w_scale = a.up_scale, single.y = u.data();
  any.run(single, {});
  using V = numerics::F32x16;
  for (size_t i = 0; i < g.size(); i += 16) {
    float y[16];
    const int count = int(std::min<size_t>(16, g.size() - i));
    const V gate = V::load(g.data() + i, count);
    (gate * math::sigmoid(gate) * V::load(u.data() + i, count)).store(y, count);
    for (int j = 0; j < count; ++j)
      if (float_bits(y[j]) != float_bits(a.y[i + size_t(j)])) return false;
  }
  return true;
}

// What sums in float cost, and what activations of 4 bits: y against the same in double of the
// codes, and of the activations before they became codes.
bool is_accurate(int k, float outlier, double most) {
  Args a{.m = 3, .n = 160, .k = k, .ldx = k, .ldy = 160};
  harness::CaseMemory memory;
  Op::buffers(a, memory);
  const std::vector<float> x = fill(a, outlier);
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
        const e2m1x2 pair = a.x[(i * k + c) / 2];
        const double code = double(to_float(c % 2 == 0 ? low(pair) : high(pair))) *
                            to_float(a.x_blocks[(i * k + c) / 16]) * a.x_scale[i];
        const double value = x[size_t(i * k + c)];
        codes[0] += gate[size_t(c)] * code, codes[1] += up[size_t(c)] * code;
        floats[0] += gate[size_t(c)] * value, floats[1] += up[size_t(c)] * value;
      }
      const double g = a.gate_scale[j], u = a.up_scale[j], y = a.y[i * a.ldy + j];
      of_codes.add(y, silu(codes[0] * g) * codes[1] * u);
      of_floats.add(y, silu(floats[0] * g) * floats[1] * u);
    }
  }
  fmt::print(
      "k {}, outliers times {}: relative L2 error {:.2g} of the NVFP4 activations, {:.2g} of "
      "the floats\n",
      k, outlier, of_codes.l2(), of_floats.l2());
  return of_codes.l2() <= 1e-6 && of_floats.l2() <= most && is_of_two_products(a);
}

}  // namespace

int main() {
  const bool refused =
      !Op::check({.m = 1, .n = 1, .k = 24, .ldx = 24, .ldy = 1}).ok() &&
      !Op::check({.m = 1, .n = 8, .k = 16, .ldx = 16, .ldy = 7}).ok() &&
      Op::check({.m = 1, .n = 8, .k = 16, .ldx = 17, .ldy = 8}).why().find("even") !=
          std::string::npos;
  const bool accurate =
      is_accurate(1024, 1, 0.2) && is_accurate(4096, 1, 0.2) && is_accurate(4096, 10, 0.3);
  return harness::verify_main(
      "dual_gemm_nvfp4_nvfp4",
      refused && accurate && chooses_by_isa<Op>({.m = 1, .n = 64, .k = 64}));
}
