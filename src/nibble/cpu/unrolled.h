// Loops that are gone before the compiler looks at arrays: f(0), f(1), ... with constants. Sums
// that such loops index stay in registers; those of a loop that is unrolled by pragma come to
// memory as soon as it is nested three deep, which costs half of the speed of a product.
#pragma once

namespace nibble::cpu {
namespace {

template <int I>
struct Constant {
  static constexpr int value = I;
  constexpr operator int() const { return I; }
};

template <int N, int I = 0, class F>
[[gnu::always_inline]] inline void unrolled(F&& f) {
  if constexpr (I < N) {
    f(Constant<I>());
    unrolled<N, I + 1>(f);
  }
}

}  // namespace
}  // namespace nibble::cpu
