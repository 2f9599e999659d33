#include "nibble/numerics/lanes.h"
#include "nibble/numerics/s8.h"
#include "nibble/ops/gelu_quantise/gelu.h"

namespace nibble::gelu_quantise {

void portable(const Args& a, const Exec& e) {
  run<numerics::F32x16>(a, e, [](int8_t* y, const numerics::F32x16& x, int count) {
    for (int i = 0; i < count; ++i) y[i] = to_s8(x.v[i]);
  });
}

}  // namespace nibble::gelu_quantise
