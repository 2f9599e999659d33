#include "nibble/harness/verify.h"
#include "nibble/ops/dual_gemm_nvfp4_s8/dual_gemm_nvfp4_s8.h"

using namespace nibble;
using namespace nibble::dual_gemm_nvfp4_s8;

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 24, .ldx = 24, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 16, .ldx = 16, .ldy = 7}).ok();

  // Selection is a pure function of data: no such machines are needed to ask about them.
  constexpr Proof all[] = {{"dual_gemm_nvfp4_s8", "avx512_vnni", Level::proven, "x"},
                           {"dual_gemm_nvfp4_s8", "avx2", Level::proven, "x"},
                           {"dual_gemm_nvfp4_s8", "portable", Level::proven, "x"}};
  const auto on = [&](IsaSet isas) {
    Machine m;
    m.isas = isas;
    const auto* v = select<Op>(Args{.m = 1, .n = 64, .k = 64}, m, all);
    return v ? v->name : "none";
  };
  const bool chosen =
      on(Isa::portable) == "portable" &&
      (on(Isa::avx512) == "avx2") == (Op::variants().size() >= 3) &&
      (on(Isa::avx512 | Isa::vnni) == "avx512_vnni") == (Op::variants().size() >= 3);
  return harness::verify_main("dual_gemm_nvfp4_s8", refused && chosen);
}
