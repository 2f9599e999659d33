#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "nibble/cpu/detect.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/fp4_panel_cases.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_view.h"
#include "nibble/ops/gemm_nvfp4_s16/gemm_nvfp4_s16.h"

using namespace nibble;
using namespace nibble::gemm_nvfp4_s16;

namespace {

struct alignas(64) Line {
  uint8_t bytes[64] = {};
};
std::vector<Line> lines(int64_t bytes) { return std::vector<Line>(size_t((bytes + 63) / 64)); }
template <class T>
T* as(std::vector<Line>& v) {
  return reinterpret_cast<T*>(v.data());
}

// Selection is a pure function of data: no such machines are needed to ask about them.
bool chooses() {
  constexpr Proof all[] = {{"gemm_nvfp4_s16", "avx512_vnni", Level::proven, "x"},
                           {"gemm_nvfp4_s16", "avx2", Level::proven, "x"},
                           {"gemm_nvfp4_s16", "portable", Level::proven, "x"}};
  const auto on = [&](IsaSet isas) {
    Machine m;
    m.isas = isas;
    const auto* v = select<Op>(Args{.m = 1, .n = 64, .k = 64}, m, all);
    return v ? v->name : "none";
  };
  const bool x86 = Op::variants().size() >= 3;
  return on(Isa::portable) == "portable" && (on(Isa::avx2) == "avx2") == x86 &&
         (on(Isa::avx512 | Isa::vnni) == "avx512_vnni") == x86;
}

// What 16 bits of activations cost, and what sums in float: y from activations of a bell shape, one
// in 200 of them `outlier` times as large, against sums in double of the codes, and of the
// activations before they became codes.
//
// Rounding to codes is noise of scale / sqrt(12), which a sum keeps in proportion to its terms.
bool is_accurate(int k, float outlier, double most) {
  constexpr int kTokens = 3, kRows = 160;
  Random rng(uint64_t(k), 9);
  std::vector<float> x(size_t(kTokens) * k), x_scale(kTokens), w_scale(kRows, 0.01f);
  std::vector<int16_t> codes(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = (rng.uniform(-1, 1) + rng.uniform(-1, 1) + rng.uniform(-1, 1)) *
           (rng.below(200) == 0 ? outlier : 1.0f);
  for (int t = 0; t < kTokens; ++t) {
    const float* row = x.data() + size_t(t) * k;
    x_scale[t] = s16_scale(amax_of(row, k));
    for (int i = 0; i < k; ++i) codes[size_t(t) * k + i] = s16_element(x_scale[t], row[i]);
  }
  auto w = lines(kPanels.bytes(kRows, k));
  fill_panels(kPanels, kRows, k, rng, likely_e4m3, as<uint8_t>(w));
  auto packed = lines(2 * kTokens * padded_k(k));
  auto sums = lines(4 * kTokens * padded_k(k) / kBlock);
  std::vector<float> y(size_t(kTokens) * kRows);
  const Args a{.m = kTokens,
               .n = kRows,
               .k = k,
               .ldx = k,
               .ldy = kRows,
               .w = as<uint8_t>(w),
               .w_scale = w_scale.data(),
               .x = codes.data(),
               .x_scale = x_scale.data(),
               .y = y.data(),
               .packed_x = as<int16_t>(packed),
               .block_sums = as<int32_t>(sums)};
  // All variants agree in every bit, so one stands for all.
  const auto& v = Op::variants().back();
  if (!Op::check(a).ok()) return false;
  v.run(a, {});

  double of_codes = 0, of_floats = 0, norm = 0;
  const Fp4Panels panels{kPanels, as<uint8_t>(w), k};
  for (int t = 0; t < kTokens; ++t)
    for (int j = 0; j < kRows; ++j) {
      double from_codes = 0, from_floats = 0;
      for (int i = 0; i < k; ++i) {
        const double value =
            double(to_float(panels.code(j, i))) * to_float(e4m3{panels.scale(j, i)}) * w_scale[j];
        from_codes += value * codes[size_t(t) * k + i] * x_scale[t];
        from_floats += value * x[size_t(t) * k + i];
      }
      const double got = y[size_t(t) * kRows + j];
      of_codes += (got - from_codes) * (got - from_codes);
      of_floats += (got - from_floats) * (got - from_floats);
      norm += from_floats * from_floats;
    }
  of_codes = std::sqrt(of_codes / norm), of_floats = std::sqrt(of_floats / norm);
  fmt::print(
      "k {}, outliers times {}: relative L2 error {:.2g} of the int16 activations, {:.2g} of the "
      "floats\n",
      k, outlier, of_codes, of_floats);
  return of_codes <= 1e-6 && of_floats <= most;
}

}  // namespace

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 24, .ldx = 24, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 16, .ldx = 16, .ldy = 7}).ok();
  const bool accurate = is_accurate(1024, 1, 5e-5) && is_accurate(4096, 1, 5e-5) &&
                        is_accurate(14336, 1, 5e-5) && is_accurate(4096, 10, 3e-4);
  return harness::verify_main("gemm_nvfp4_s16", refused && chooses() && accurate);
}
