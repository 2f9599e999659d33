// noise_bits:  words[4 i .. 4 i + 3] = philox4x32({i, counter[0], counter[1], counter[2]}, key)
//
// Noise as bits: one word carries the signs of 32 perturbations. A pure function of key and
// counter, so noise is regenerated instead of kept, by any thread and in any order.
#pragma once
#include "nibble/base/op.h"

namespace nibble::noise_bits {

struct Args {
  int64_t words = 0;         // a multiple of 4, up to 2^34
  uint32_t key[2] = {};      // of the run: its seed
  uint32_t counter[3] = {};  // of the stream: where in the run it is used
  uint32_t* out = nullptr;   // [words]
};

struct Op {
  using Args = noise_bits::Args;
  static constexpr std::string_view name = "noise_bits";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  // Ten rounds of two wide products and four exclusive-ors for four words.
  static Work work(const Args& a) { return {.ops = 15 * a.words, .bytes = 4 * a.words}; }
};
static_assert(OpContract<Op>);

}  // namespace nibble::noise_bits
