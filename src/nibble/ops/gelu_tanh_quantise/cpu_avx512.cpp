#include "nibble/cpu/math_avx512.h"
#include "nibble/cpu/narrow16.h"
#include "nibble/ops/gelu_tanh_quantise/kernel.h"

namespace nibble::gelu_tanh_quantise {
namespace {

cpu::F32x16 lanes(cpu::F16 x) { return x.v; }

}  // namespace

void avx512(const Args& a, const Exec& e) {
  run<cpu::F32x16>(
      "avx512", a, e, [](const auto* p) { return lanes(cpu::load(p)); },
      [](cpu::F32x16 v) {
        const cpu::F16 one_nan = cpu::one_nan(cpu::F16{v.v});
        return lanes(cpu::floats(cpu::shift_left<16>(cpu::rounded_to_bf16(one_nan))));
      });
}

}  // namespace nibble::gelu_tanh_quantise
