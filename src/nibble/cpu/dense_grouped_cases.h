// Inputs of products of groups of tokens with a whole matrix each, for the cases of ops.
#pragma once
#include <cmath>

#include "nibble/cpu/groups.h"
#include "nibble/numerics/dense_cases.h"
#include "nibble/numerics/grouped_cases.h"

namespace nibble::cpu {

// Each group is filled as a product alone.
template <class Args>
struct DenseGroupedFills {
  static constexpr int kSmallK = 67;
  static constexpr bool kContest = false;

  template <class Fill>
  static void each(Args& a, Random& rng, Fill&& fill) {
    fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
    for (int g = 0; g < a.groups; ++g) {
      Args one = group_of(a, g, 0);
      fill(one, g);
    }
  }
  static void random(Args& a, Random& rng) {
    each(a, rng, [&](Args& one, int g) {
      g % 2 == 0 ? fill_dense_integers(one, rng) : fill_dense_random(one, rng);
    });
  }
  // NaN in every third row of matrices of even number, an infinity in every fourth of their tokens:
  // in no other group's results. None is made: its sign would be the processor's.
  static void special(Args& a, Random& rng) {
    constexpr DensePanel layout = kDensePanelOf<typename Args::Element>;
    each(a, rng, [&](Args& one, int g) {
      fill_dense(one, [&] { return std::copysign(rng.uniform(0.5f, 1), rng.uniform(-1, 1)); });
      if (g % 2 == 1) return;
      for (int j = 1; j < a.n; j += 3)
        put(writable(one.w)[layout.slot(j, int64_t(rng.below(uint64_t(a.k))), a.k)], NAN);
      for (int64_t i = 2; i < one.m; i += 4)
        put(writable(one.x)[i * a.ldx + int64_t(rng.below(uint64_t(a.k)))], INFINITY);
    });
  }
  static void worst(Args& a, Random& rng) {
    each(a, rng, [&](Args& one, int) { fill_dense_worst(one, rng); });
  }
  static void written(Args& a, Random& rng) {
    each(a, rng, [&](Args& one, int) { fill_dense_random(one, rng); });
  }
};

}  // namespace nibble::cpu
