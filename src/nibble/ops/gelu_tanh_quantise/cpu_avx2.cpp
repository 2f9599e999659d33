#include "nibble/cpu/math_avx2.h"
#include "nibble/cpu/narrow16.h"
#include "nibble/ops/gelu_tanh_quantise/kernel.h"

namespace nibble::gelu_tanh_quantise {
namespace {

cpu::F32x16 lanes(cpu::F16 x) {
  cpu::F32x16 v;
  v.lo = x.lo, v.hi = x.hi;
  return v;
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  run<cpu::F32x16>(
      "avx2", a, e, [](const auto* p) { return lanes(cpu::load(p)); },
      [](cpu::F32x16 v) {
        const cpu::F16 one_nan = cpu::one_nan(cpu::F16{v.lo, v.hi});
        return lanes(cpu::floats(cpu::shift_left<16>(cpu::rounded_to_bf16(one_nan))));
      });
}

}  // namespace nibble::gelu_tanh_quantise
