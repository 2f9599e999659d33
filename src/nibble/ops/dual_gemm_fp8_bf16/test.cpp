#include "nibble/cpu/fp8_product_checks.h"
#include "nibble/harness/dual_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/dual_gemm_fp8_bf16/cases.h"
#include "nibble/ops/gemm_fp8_bf16/gemm_fp8_bf16.h"

using namespace nibble;
using namespace nibble::dual_gemm_fp8_bf16;

namespace {

bool is_of_products(Factors factors, void (*fill)(Args&, Random&)) {
  return harness::dual_is_of_products<Op, gemm_fp8_bf16::Op>(
      {.m = 9, .n = 150, .k = 200, .ldx = 203, .ldy = 151, .w_factors = factors}, fill);
}
std::vector<double> decoded(const Args& a, const uint8_t* panels, int j) {
  std::vector<double> row(size_t(a.k));
  const uint8_t* panel = panels + j / kLayout.rows * kLayout.panel_bytes(a.k);
  for (int c = 0; c < a.k; ++c)
    row[size_t(c)] =
        to_float(e4m3{panel[c / kLayout.tile_k() * kLayout.tile_bytes() +
                            kLayout.code_offset(j % kLayout.rows, c % kLayout.tile_k())]});
  return row;
}
// Weights of a bell shape, as packers write them, and factors by which gates are around 1.
void fill_even(Args& a, Random& rng) {
  for (const uint8_t* panels : {a.gate, a.up})
    for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i)
      writable(panels)[i] =
          to_e4m3_saturating(100 * (rng.uniform(-1, 1) + rng.uniform(-1, 1) + rng.uniform(-1, 1)))
              .bits;
  for (const float* scale : {a.gate_scale, a.up_scale})
    std::fill_n(writable(scale), a.n, 1 / (100 * std::sqrt(float(a.k))));
}
bool is_accurate(int k, float outlier) {
  return harness::dual_is_accurate<Op>(k, outlier, 4e-3, fill_even, decoded);
}

}  // namespace

int main() {
  const Args some{.m = 5, .n = 20, .k = 70, .ldx = 71, .ldy = 21};
  bool right = harness::dual_refuses<Op>(some, -1) && cpu::fp8_chooses<Op>();
  for (Factors f : {Factors::none, Factors::rows, Factors::blocks})
    right = right && is_of_products(f, fill_random) && is_of_products(f, fill_special_gate) &&
            is_of_products(f, fill_special_up);
  const bool accurate = is_accurate(1024, 1) && is_accurate(4096, 1) && is_accurate(4096, 10);
  return harness::verify_main("dual_gemm_fp8_bf16", right && accurate);
}
