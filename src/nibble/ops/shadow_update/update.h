// The kernel, once for every ISA: V is sixteen floats (numerics/lanes.h and its SIMD twins),
// `Isa::fill` makes noise, and `Isa` converts between V and int8 and packs.
#pragma once
#include <cstring>

#include "nibble/ops/shadow_update/kernels.h"

namespace nibble::shadow_update {

// z of one piece, and the sum of its squares.
template <class V, class Isa>
float combine(const Args& a, int64_t begin, int count) {
  alignas(64) int8_t noise[kPiece];
  float* z = a.z + begin;
  for (int i = 0; i < count; i += 16) V(0.0f).store(z + i, count - i < 16 ? count - i : 16);
  for (int p = 0; p < a.pairs; ++p) {
    if (a.weight[p] == 0) continue;
    Isa::fill(a.seed[p], uint64_t(begin), count, a.terms, noise);
    const V weight(a.weight[p]);
    for (int i = 0; i < count; i += 16) {
      const int lanes = count - i < 16 ? count - i : 16;
      fma(weight, Isa::load(noise + i), V::load(z + i, lanes)).store(z + i, lanes);
    }
  }
  V squares(0.0f);
  for (int i = 0; i < count; i += 16) {
    const V x = V::load(z + i, count - i < 16 ? count - i : 16);
    squares = fma(x, x, squares);
  }
  return sum(squares);
}

template <class V, class Isa>
void move(const Args& a, float inv, int64_t begin, int count) {
  const V scale(inv), lr(a.lr), threshold(a.threshold);
  for (int i = 0; i < count; i += 16) {
    const int lanes = count - i < 16 ? count - i : 16;
    float* shadow = a.shadow + begin + i;
    const V g = scale * V::load(a.z + begin + i, lanes), old = V::load(shadow, lanes);
    const V now = select(less(abs(g), threshold), old, fma(lr, g, old));
    now.store(shadow, lanes);
    if (a.ternary == Ternary::none) continue;
    const auto w = Isa::ternary(now);  // 0 in lanes that do not exist
    if (a.w) Isa::store(a.w + begin + i, w, lanes);
    if (!a.packed) continue;
    const uint32_t codes = Isa::two_bit(w);  // begin and i are multiples of 16
    std::memcpy(a.packed + (begin + i) / 4, &codes, size_t(packed_bytes(lanes)));
  }
}

template <class V, class Isa>
void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.n, kPiece, [&](int64_t begin, int64_t end) {
    a.squares[begin / kPiece] = combine<V, Isa>(a, begin, int(end - begin));
  });
  const float inv = inverse_rms(a);
  parallel_for(e.pool, a.n, kPiece,
               [&](int64_t begin, int64_t end) { move<V, Isa>(a, inv, begin, int(end - begin)); });
}

}  // namespace nibble::shadow_update
