#include <cmath>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/cpu/detect.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gelu_tanh_quantise/gelu_tanh_quantise.h"

using namespace nibble;
using namespace nibble::gelu_tanh_quantise;

namespace {

// Against the formula in double: int16 codes are half a step from y at most.
bool near_the_formula() {
  constexpr int rows = 3, cols = 224;
  std::vector<float> x(rows * cols), scale(rows);
  std::vector<int16_t> codes(rows * cols);
  Random rng(3);
  fill_f32(x.data(), int64_t(x.size()), rng, -6, 6);
  Args a{.rows = rows, .cols = cols, .ld = cols};
  a.x = x.data();
  a.to = {.format = encode_rows::Format::s16, .codes = reinterpret_cast<uint8_t*>(codes.data())};
  a.to.scales = scale.data();
  const Machine machine = cpu::this_machine();
  bool ok = Op::check(a).ok();
  for (const auto& v : Op::variants()) {
    if (!machine.has(v.needs)) continue;
    v.run(a, {});
    for (int i = 0; i < rows * cols; ++i) {
      const double u = x[i],
                   t = std::tanh(std::sqrt(2 / 3.14159265358979) * (u + 0.044715 * u * u * u));
      const double want = u / 2 * (1 + t), got = double(codes[i]) * scale[i / cols];
      ok = ok && std::abs(got - want) <= 0.5001 * scale[i / cols] + 1e-6 * std::abs(want);
    }
  }
  return ok;
}

}  // namespace

int main() {
  const bool refused = !Op::check({}).ok() && !Op::check({.rows = 1, .cols = 32, .ld = 31}).ok();
  return harness::verify_main("gelu_tanh_quantise", refused && near_the_formula());
}
