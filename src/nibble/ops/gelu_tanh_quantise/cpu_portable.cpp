#include "nibble/numerics/lanes.h"
#include "nibble/ops/gelu_tanh_quantise/kernel.h"

namespace nibble::gelu_tanh_quantise {
namespace {

struct Load {
  template <class T>
  numerics::F32x16 operator()(const T* p) const {
    numerics::F32x16 v;
    for (int i = 0; i < 16; ++i) v.v[i] = widened(p[i]);
    return v;
  }
  static float widened(float x) { return x; }
  static float widened(bf16 x) { return to_float(x); }
};

}  // namespace

void portable(const Args& a, const Exec& e) {
  run<numerics::F32x16>("portable", a, e, Load{}, [](numerics::F32x16 v) {
    for (float& x : v.v) x = to_float(to_bf16(x));
    return v;
  });
}

}  // namespace nibble::gelu_tanh_quantise
