#include <cmath>
#include <vector>

#include "nibble/base/random.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_bf16_s8/gemm_bf16_s8.h"

using namespace nibble;
using namespace nibble::gemm_bf16_s8;

namespace {

// Weights that are halves: float sums are exact, and must be what doubles say, half-way cases
// included, from rows that pack() has put where they belong.
bool sums_are_those_of_doubles() {
  constexpr int m = 5, n = 32, k = 48, ldx = 16;
  Random rng(3);
  std::vector<float> w(n * k);
  for (float& x : w) x = 0.5f * float(int(rng.below(401)) - 200);
  std::vector<int8_t> x((m - 1) * ldx + k);
  for (int8_t& c : x) c = int8_t(int(rng.below(255)) - 127);
  alignas(64) static bf16 packed[n * k];
  alignas(64) static uint8_t workspace[workspace_bytes(m, k, ldx)];
  std::vector<int32_t> y(m * n);
  pack(w.data(), k, n, k, packed);
  const Args a{.m = m,
               .n = n,
               .k = k,
               .ldx = ldx,
               .ldy = n,
               .x = x.data(),
               .w = packed,
               .y = y.data(),
               .workspace = workspace};
  if (!Op::check(a).ok()) return false;
  Op::reference(a);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int at = 0; at < k; ++at) sum += double(w[size_t(j * k + at)]) * x[size_t(i * ldx + at)];
      if (y[size_t(i * n + j)] != std::nearbyint(sum)) return false;
    }
  return true;
}

}  // namespace

int main() {
  const bool refused = !Op::check({.m = 1, .n = 8, .k = 16, .ldx = 16, .ldy = 8}).ok() &&
                       !Op::check({.m = 1, .n = 16, .k = 24, .ldx = 24, .ldy = 16}).ok() &&
                       !Op::check({.m = 1, .n = 16, .k = 16, .ldx = 16, .ldy = 15}).ok();

  // vdpbf16ps is chosen where it is quicker than FMA, whoever has it.
  constexpr Proof all[] = {{"gemm_bf16_s8", "avx512_bf16", Level::proven, "x"},
                           {"gemm_bf16_s8", "avx512", Level::proven, "x"},
                           {"gemm_bf16_s8", "avx2", Level::proven, "x"},
                           {"gemm_bf16_s8", "portable", Level::proven, "x"}};
  const auto on = [&](MicroArch uarch, IsaSet isas) {
    Machine m;
    m.isas = isas, m.uarch = uarch;
    const auto* v = select<Op>(Args{.m = 64, .n = 64, .k = 64}, m, all);
    return v ? v->name : "none";
  };
  const bool x86 = Op::variants().size() > 1;
  constexpr IsaSet every = Isa::avx512 | Isa::vnni | Isa::bf16;
  const bool chosen = on(MicroArch::unknown, Isa::portable) == "portable" &&
                      on(MicroArch::zen3, Isa::avx2) == (x86 ? "avx2" : "portable") &&
                      on(MicroArch::sapphire_rapids, every) == (x86 ? "avx512" : "portable") &&
                      on(MicroArch::zen5, every) == (x86 ? "avx512_bf16" : "portable");
  return harness::verify_main("gemm_bf16_s8", refused && sums_are_those_of_doubles() && chosen);
}
