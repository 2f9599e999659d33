// What two values become in arithmetic that several instructions share: integer operations,
// atomics, and reductions of bulk copies.
#pragma once
#include <cmath>
#include <type_traits>

#include "number.h"

namespace ptxrun {

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return std::is_integral_v<T> ? T(uint64_t(a) + uint64_t(b)) : T(a + b);
  }
};
struct Min {
  template <class T>
  T operator()(T a, T b) const {
    return b < a ? b : a;
  }
};
struct Max {
  template <class T>
  T operator()(T a, T b) const {
    return a < b ? b : a;
  }
};
struct And {
  template <class T>
  T operator()(T a, T b) const {
    return T(a & b);
  }
};
struct Or {
  template <class T>
  T operator()(T a, T b) const {
    return T(a | b);
  }
};
struct Xor {
  template <class T>
  T operator()(T a, T b) const {
    return T(a ^ b);
  }
};
struct Increase {
  template <class T>
  T operator()(T a, T b) const {
    return a >= b ? T(0) : T(a + 1);
  }
};
struct Decrease {
  template <class T>
  T operator()(T a, T b) const {
    return a == 0 || a > b ? b : T(a - 1);
  }
};

// 16-bit floats, one or two to a word: rounded once, the sum being exact or rounded to odd.
template <const Format& F>
struct Narrow {
  static uint16_t add(uint16_t a, uint16_t b) {
    return uint16_t(encode(F, add_to_odd(decode(F, a), decode(F, b))));
  }
  static uint16_t lower(uint16_t a, uint16_t b) { return pick(a, b, decode(F, b) < decode(F, a)); }
  static uint16_t upper(uint16_t a, uint16_t b) { return pick(a, b, decode(F, b) > decode(F, a)); }
  static uint16_t pick(uint16_t a, uint16_t b, bool second) {
    return std::isnan(decode(F, a)) ? b : std::isnan(decode(F, b)) ? a : second ? b : a;
  }
};
template <class T, uint16_t (*F)(uint16_t, uint16_t)>
struct Halves {
  T operator()(T a, T b) const {
    T r = 0;
    for (size_t k = 0; k < sizeof(T); k += 2)
      r |= T(F(uint16_t(a >> 8 * k), uint16_t(b >> 8 * k))) << 8 * k;
    return r;
  }
};

}  // namespace ptxrun
