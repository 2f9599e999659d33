#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_int8_s8/gemm_int8_s8.h"

using namespace nibble;
using namespace nibble::gemm_int8_s8;

int main() {
  const bool refused =
      !Op::check({.m = 1, .n = 1, .k = kMaxK + 1, .ldx = kMaxK + 1, .ldy = 1}).ok() &&
      !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 4, .ldy = 7}).ok() &&
      !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 3, .ldy = 8}).ok() &&
      !Op::check({.batch = 0, .m = 1, .n = 8, .k = 4, .ldx = 4, .ldy = 8}).ok() &&
      !Op::check({.m = 0, .n = 8, .k = 4, .ldx = 4, .ldy = 8}).ok();

  // Selection is a pure function of data: no such machines are needed to ask about them.
  constexpr Proof all[] = {{"gemm_int8_s8", "avx512_vnni", Level::proven, "x"},
                           {"gemm_int8_s8", "avx2", Level::proven, "x"},
                           {"gemm_int8_s8", "portable", Level::proven, "x"}};
  const bool x86 = Op::variants().size() >= 3;
  bool chosen = true;
  for (int64_t m : {1, 8, 512}) {
    const auto on = [&](IsaSet isas) {
      Machine machine;
      machine.isas = isas;
      const auto* v = select<Op>(Args{.m = m, .n = 4096, .k = 4096}, machine, all);
      return v ? v->name : "none";
    };
    chosen = chosen && on(Isa::portable) == "portable" && (on(Isa::avx2) == "avx2") == x86 &&
             (on(Isa::avx512 | Isa::vnni) == "avx512_vnni") == x86;
  }
  return harness::verify_main("gemm_int8_s8", refused && chosen);
}
