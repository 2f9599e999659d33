// A case of an op: a shape, a seed and a way to fill its inputs. Deterministic: naming it
// reproduces it. Used by test, bench, verify and explain alike.
#pragma once
#include <cstdint>
#include <string>

#include "nibble/base/random.h"

namespace nibble {

template <class Args>
struct Case {
  std::string name;  // unique in the op: "m64_n256_k256", "worst", "tail"
  Args args;         // the shape; pointers are set by the harness from Op::buffers()
  uint64_t seed = 1;
  // Writes every in and inout buffer of Args: all values the contract allows, not only likely ones.
  void (*fill)(Args&, Random&) = nullptr;
  bool bench = false;  // timed by `nibble bench`, and verified there: not in `verify`
};

// Inputs are const to the op and written by the case.
template <class T>
T* writable(const T* p) {
  return const_cast<T*>(p);
}

inline void fill_i8(const int8_t* p, int64_t n, Random& rng, int low = -127, int high = 127) {
  for (int64_t i = 0; i < n; ++i)
    writable(p)[i] = int8_t(low + int(rng.below(uint64_t(high - low + 1))));
}
inline void fill_f32(const float* p, int64_t n, Random& rng, float low = -1, float high = 1) {
  for (int64_t i = 0; i < n; ++i) writable(p)[i] = rng.uniform(low, high);
}

}  // namespace nibble
