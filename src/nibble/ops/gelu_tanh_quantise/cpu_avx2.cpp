#include "nibble/cpu/math_avx2.h"
#include "nibble/ops/gelu_tanh_quantise/kernel.h"

namespace nibble::gelu_tanh_quantise {

void avx2(const Args& a, const Exec& e) {
  run("avx2", a, e, [](F16 x) {
    cpu::F32x16 v;
    v.lo = x.lo, v.hi = x.hi;
    v = gelu_tanh(v);
    return F16{v.lo, v.hi};
  });
}

}  // namespace nibble::gelu_tanh_quantise
