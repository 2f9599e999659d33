#include "nibble/cpu/math_avx512.h"
#include "nibble/ops/gelu_tanh_quantise/kernel.h"

namespace nibble::gelu_tanh_quantise {

void avx512(const Args& a, const Exec& e) {
  run("avx512", a, e, [](F16 x) { return F16{gelu_tanh(cpu::F32x16(x.v)).v}; });
}

}  // namespace nibble::gelu_tanh_quantise
