#include "nibble/cpu/math_avx512.h"
#include "nibble/ops/silu_mul_quantise/kernel.h"

namespace nibble::silu_mul_quantise {
namespace {

cpu::F32x16 lanes(F16 x) { return x.v; }
F16 lanes(cpu::F32x16 x) { return {x.v}; }

}  // namespace

void avx512(const Args& a, const Exec& e) {
  run("avx512", a, e, [](F16 gate, F16 up) {
    const cpu::F32x16 g = lanes(gate);
    return lanes((g * math::sigmoid(g)) * lanes(up));
  });
}

}  // namespace nibble::silu_mul_quantise
