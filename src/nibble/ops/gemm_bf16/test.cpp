#include "nibble/base/chosen.h"
#include "nibble/cpu/dense_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_bf16/gemm_bf16.h"

using namespace nibble;
using namespace nibble::gemm_bf16;

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 0, .ldx = 1, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 4, .ldy = 7}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 3, .ldy = 8}).ok();
  const bool sums = cpu::is_one_chain<Op>(1, 3, 1) && cpu::is_one_chain<Op>(2, 70, 33) &&
                    cpu::is_one_chain<Op>(17, 5, 1055) && cpu::keeps_nan_and_infinity_apart<Op>();

  // vdpbf16ps is chosen where it is quicker than FMA, whoever has it.
  const auto on = [&](MicroArch uarch, IsaSet isas) {
    return chosen<Op>({.m = 64, .n = 64, .k = 64}, isas, uarch);
  };
  const bool x86 = Op::variants().size() > 1;
  constexpr IsaSet every = Isa::avx512 | Isa::vnni | Isa::bf16;
  const bool best = on(MicroArch::unknown, Isa::portable) == "portable" &&
                    on(MicroArch::zen3, Isa::avx2) == (x86 ? "avx2" : "portable") &&
                    on(MicroArch::sapphire_rapids, every) == (x86 ? "avx512" : "portable") &&
                    on(MicroArch::zen4, every) == (x86 ? "avx512_bf16" : "portable") &&
                    on(MicroArch::zen5, every) == (x86 ? "avx512_bf16" : "portable");
  return harness::verify_main("gemm_bf16", refused && sums && best);
}
