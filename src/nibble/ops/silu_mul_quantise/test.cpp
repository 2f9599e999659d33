#include <cmath>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/cpu/detect.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/silu_mul_quantise/silu_mul_quantise.h"

using namespace nibble;
using namespace nibble::silu_mul_quantise;

namespace {

// Against the formula in double: int16 codes are half a step from y at most. gate and up are halves
// of one matrix.
bool near_the_formula() {
  constexpr int rows = 3, cols = 224;
  std::vector<float> both(rows * 2 * cols), scale(rows);
  std::vector<int16_t> codes(rows * cols);
  Random rng(3);
  fill_f32(both.data(), int64_t(both.size()), rng, -9, 9);
  Args a{.rows = rows, .cols = cols, .ld = 2 * cols};
  a.gate = both.data(), a.up = both.data() + cols;
  a.to = {.format = encode_rows::Format::s16, .codes = reinterpret_cast<uint8_t*>(codes.data())};
  a.to.scales = scale.data();
  const Machine machine = cpu::this_machine();
  bool ok = Op::check(a).ok();
  for (const auto& v : Op::variants()) {
    if (!machine.has(v.needs)) continue;
    v.run(a, {});
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < cols; ++c) {
        const double g = both[r * 2 * cols + c], u = both[r * 2 * cols + cols + c];
        const double want = g / (1 + std::exp(-g)) * u,
                     got = double(codes[r * cols + c]) * scale[r];
        ok = ok && std::abs(got - want) <= 0.5001 * scale[r] + 1e-6 * std::abs(want);
      }
  }
  return ok;
}

}  // namespace

int main() {
  const bool refused = !Op::check({}).ok() && !Op::check({.rows = 1, .cols = 32, .ld = 31}).ok();
  return harness::verify_main("silu_mul_quantise", refused && near_the_formula());
}
