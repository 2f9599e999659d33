#include "nibble/harness/verify.h"
#include "nibble/ops/sign_noise/sign_noise.h"

using namespace nibble;
using namespace nibble::sign_noise;

int main() {
  const bool refused = !Op::check({.rows = 1, .n = 8, .k = 16, .ldx = 16}).ok() &&
                       !Op::check({.rows = 1, .n = 16, .k = kMaxK + 16, .ldx = 16}).ok();

  constexpr Proof all[] = {{"sign_noise", "avx512_vnni", Level::proven, "x"},
                           {"sign_noise", "avx2", Level::proven, "x"},
                           {"sign_noise", "portable", Level::proven, "x"}};
  const auto on = [&](IsaSet isas) {
    Machine m;
    m.isas = isas;
    const auto* v = select<Op>(Args{.rows = 32, .n = 64, .k = 64}, m, all);
    return v ? v->name : "none";
  };
  const bool x86 = Op::variants().size() > 1;
  const bool chosen = on(Isa::portable) == "portable" &&
                      on(Isa::avx2) == (x86 ? "avx2" : "portable") &&
                      on(Isa::avx512 | Isa::vnni) == (x86 ? "avx512_vnni" : "portable");
  return harness::verify_main("sign_noise", refused && chosen);
}
