#include "nibble/cpu/math_avx2.h"
#include "nibble/ops/silu_mul_quantise/kernel.h"

namespace nibble::silu_mul_quantise {
namespace {

cpu::F32x16 lanes(F16 x) {
  cpu::F32x16 v;
  v.lo = x.lo, v.hi = x.hi;
  return v;
}
F16 lanes(cpu::F32x16 x) { return {x.lo, x.hi}; }

}  // namespace

void avx2(const Args& a, const Exec& e) {
  run("avx2", a, e, [](F16 gate, F16 up) {
    const cpu::F32x16 g = lanes(gate);
    return lanes((g * math::sigmoid(g)) * lanes(up));
  });
}

}  // namespace nibble::silu_mul_quantise
