// Pseudo-random ternary numbers of the compatibility mode: pure functions of (seed, index).
#pragma once
#include <cstdint>

#include "nibble/base/hd.h"

namespace nibble {

inline constexpr uint64_t kSplitmixGamma = 0x9E3779B97F4A7C15u;

// splitmix64 of Steele, Lea and Flood: advances the state and returns 64 mixed bits.
NIBBLE_HD constexpr uint64_t splitmix64(uint64_t& state) {
  state += kSplitmixGamma;
  uint64_t z = state;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

// A hash of two words; not symmetric. Seeds of epochs, pairs and tensors are chains of it.
NIBBLE_HD constexpr uint64_t mix64(uint64_t a, uint64_t b) {
  uint64_t x = a ^ (b + kSplitmixGamma + (a << 6) + (a >> 2));
  x = (x ^ x >> 33) * 0xFF51AFD7ED558CCDu;
  x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53u;
  return x ^ x >> 33;
}

// -1, 0, 1 with probabilities 85, 85, 86 of 256: mean 1/256, variance 0.668.
NIBBLE_HD constexpr int ternary_of(uint64_t random) {
  const int byte = int(random & 255);
  return (byte >= 85) + (byte >= 170) - 1;
}

// Element `index` of a noise tensor. terms = 0: one ternary draw from the hash itself. terms = k:
// the sum of k draws from a splitmix64 stream that starts at the hash, in [-k, k] (a binomial
// stand-in for a normal number, of variance 0.668 k).
NIBBLE_HD constexpr int ternary_noise(uint64_t tensor_seed, uint64_t index, int terms) {
  uint64_t state = mix64(tensor_seed, index);
  if (terms == 0) return ternary_of(state);
  int sum = 0;
  for (int i = 0; i < terms; ++i) sum += ternary_of(splitmix64(state));
  return sum;
}

}  // namespace nibble
