// hash_noise:  out[i] = ternary_noise(seed, first + i, terms)        int8 in [-terms, terms]
//
// The noise of the compatibility mode, regenerated from its seed wherever it is needed and never
// stored across evaluations (numerics/ternary_hash.h has the definition). terms = 0 is one ternary
// draw, terms = k the sum of k.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/ternary_hash.h"

namespace nibble::hash_noise {

inline constexpr int kMaxTerms = 127;  // the sum of more draws does not fit int8

struct Args {
  uint64_t seed = 0;
  uint64_t first = 0;  // index of out[0] in the tensor
  int64_t n = 0;
  int terms = 4;          // 0..kMaxTerms
  int8_t* out = nullptr;  // [n]
};

struct Op {
  using Args = hash_noise::Args;
  static constexpr std::string_view name = "hash_noise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  // A hash is about ten operations: two multiplies, three shifts, three xors, the comparisons.
  static Work work(const Args& a) { return {.ops = 10 * a.n * (1 + a.terms), .bytes = a.n}; }
};
static_assert(OpContract<Op>);

}  // namespace nibble::hash_noise
