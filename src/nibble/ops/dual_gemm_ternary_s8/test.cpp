#include "nibble/base/chosen.h"
#include "nibble/harness/dual_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/dual_gemm_ternary_s8/cases.h"
#include "nibble/ops/gemm_ternary_s8/gemm_ternary_s8.h"

using namespace nibble;
using namespace nibble::dual_gemm_ternary_s8;

namespace {

std::vector<double> decoded(const Args& a, const uint8_t* panels, int j) {
  std::vector<double> row(size_t(a.k));
  const uint8_t* panel = panels + j / kLayout.rows * kLayout.panel_bytes(a.k);
  for (int c = 0; c < a.k; ++c) {
    const int at = c % kLayout.tile_k();
    const uint8_t byte = panel[c / kLayout.tile_k() * kLayout.tile_bytes() +
                               kLayout.code_offset(j % kLayout.rows, at)];
    row[size_t(c)] = (byte >> kLayout.code_shift(at) & 3) - 1;
  }
  return row;
}
// Weights that packers write, of even chances, and factors by which gates are around 1.
void fill_even(Args& a, Random& rng) {
  for (const uint8_t* panels : {a.gate, a.up})
    for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i)
      for (int pair = writable(panels)[i] = 0; pair < 8; pair += 2)
        writable(panels)[i] = uint8_t(panels[i] | rng.below(3) << pair);
  for (const float* scale : {a.gate_scale, a.up_scale})
    std::fill_n(writable(scale), a.n, 1 / (0.82f * std::sqrt(float(a.k))));
}
bool is_accurate(int k, float outlier, double most) {
  return harness::dual_is_accurate<Op>(k, outlier, most, fill_even, decoded);
}

}  // namespace

int main() {
  const Args some{.m = 13, .n = 49, .k = 200, .ldx = 203, .ldy = 50};
  const bool right =
      harness::dual_refuses<Op>(some, kMaxK + 1) &&
      harness::dual_is_of_products<Op, gemm_ternary_s8::Op>(some, Cases::fill_random) &&
      harness::dual_is_of_products<Op, gemm_ternary_s8::Op>(some, Cases::fill_special);
  const bool accurate =
      is_accurate(1024, 1, 0.02) && is_accurate(4096, 1, 0.02) && is_accurate(4096, 10, 0.1);
  bool chosen = true;
  for (int64_t m : {1, 8, 512})
    chosen = chosen && chooses_by_isa<Op>({.m = m, .n = 4096, .k = 4096});
  return harness::verify_main("dual_gemm_ternary_s8", right && accurate && chosen);
}
