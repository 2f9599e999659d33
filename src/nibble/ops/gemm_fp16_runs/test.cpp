#include "nibble/cpu/dense_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_fp16_runs/gemm_fp16_runs.h"

using namespace nibble;
using namespace nibble::gemm_fp16_runs;

namespace {

// Each run a chain of fp16 fma from +0, the sums of runs a chain of float: bit by bit.
bool are_runs(int m, int n, int k) {
  cpu::OwnedDense<Op> p(m, n, k, 7);
  std::vector<float> want;
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      float total = 0;
      for (int q = 0; q < k; q += kRun) {
        fp16 sum{};
        for (int at = q; at < q + kRun && at < k; ++at)
          sum = to_fp16(double(to_float(p.x[size_t(i * k + at)])) *
                            to_float(p.w[size_t(j * k + at)]) +
                        to_float(sum));
        total += to_float(sum);
      }
      want.push_back(total);
    }
  return cpu::after_each_variant(p, [&](const std::vector<float>& y) {
    return std::memcmp(y.data(), want.data(), want.size() * sizeof(float)) == 0;
  });
}

// What the contract says of the error: near sqrt(32 / 24) 2^-11, and not below a half of it, which
// sums in float would be.
bool errs_as_told() {
  cpu::OwnedDense<Op> p(4, 64, 2048, 3);
  double wrong = 0, all = 0;
  std::vector<double> exact;
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 64; ++j) {
      double sum = 0;
      for (int k = 0; k < 2048; ++k)
        sum += double(to_float(p.x[size_t(i * 2048 + k)])) * to_float(p.w[size_t(j * 2048 + k)]);
      exact.push_back(sum);
    }
  return cpu::after_each_variant(p, [&](const std::vector<float>& y) {
    wrong = all = 0;
    for (size_t i = 0; i < y.size(); ++i)
      wrong += (y[i] - exact[i]) * (y[i] - exact[i]), all += exact[i] * exact[i];
    const double relative = std::sqrt(wrong / all), told = std::sqrt(32 / 24.0) * 0x1p-11;
    return relative < 1.5 * told && relative > told / 2;
  });
}

}  // namespace

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 0, .ldx = 1, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 4, .ldy = 7}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 3, .ldy = 8}).ok();
  const bool sums = are_runs(1, 3, 1) && are_runs(2, 70, 33) && are_runs(13, 5, 1055) &&
                    errs_as_told() && cpu::keeps_nan_and_infinity_apart<Op>();

  // Selection is a pure function of data. No machine at hand has run the instructions: until a
  // proof says otherwise a machine that has them takes the portable variant.
  constexpr Proof proofs[] = {{"gemm_fp16_runs", "portable", Level::proven, "x"},
                              {"gemm_fp16_runs", "avx512_fp16", Level::proven, "x"}};
  const auto on = [&](IsaSet isas, size_t known) {
    Machine m;
    m.isas = isas;
    const auto* v =
        select<Op>(Args{.m = 64, .n = 64, .k = 64}, m, std::span<const Proof>(proofs, known));
    return v ? v->name : "none";
  };
  const IsaSet fp16_isas = Isa::avx512 | Isa::vnni | Isa::fp16;
  const bool x86 = Op::variants().size() > 1;
  const bool chosen = on(fp16_isas, 1) == "portable" && on(Isa::avx512, 2) == "portable" &&
                      on(fp16_isas, 2) == (x86 ? "avx512_fp16" : "portable");
  return harness::verify_main("gemm_fp16_runs", refused && sums && chosen);
}
