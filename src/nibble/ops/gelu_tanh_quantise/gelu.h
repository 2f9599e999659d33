// The activation, of sixteen lanes whatever they are (numerics/lanes.h and its SIMD twins).
#pragma once
#include "nibble/numerics/elementary.h"

namespace nibble::gelu_tanh_quantise {

template <class V>
V gelu_tanh(V x) {
  const V inner = fma(V(0.044715f) * (x * x), x, x);
  return (x * V(0.5f)) * (V(1.0f) + math::tanh(V(0.7978845608f) * inner));
}

}  // namespace nibble::gelu_tanh_quantise
