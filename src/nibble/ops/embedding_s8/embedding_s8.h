// embedding_s8:  out[t][j] = q8(table[token[t]][j] + noise_scale * noise[token[t]][j])
//
// q8 rounds to nearest even and clamps to [-127, 127] (numerics/s8.h). The noise is added
// before the rounding, so at small scales most of it disappears: that is the arithmetic this op
// reproduces. Without noise a row is copied. One fma per element: variants agree bit for bit.
#pragma once
#include "nibble/base/op.h"

namespace nibble::embedding_s8 {

struct Args {
  int64_t tokens = 0;
  int dim = 0, vocab = 256;
  float noise_scale = 0;           // sign * sigma; without effect where noise is null
  const uint8_t* token = nullptr;  // [tokens], each below vocab
  const int8_t* table = nullptr;   // [vocab][dim], in [-127, 127]
  const int8_t* noise = nullptr;   // [vocab][dim], or null
  int8_t* out = nullptr;           // [tokens][dim]
  bool has_noise = false;          // noise is read; it must then be there
};

struct Op {
  using Args = embedding_s8::Args;
  static constexpr std::string_view name = "embedding_s8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = a.has_noise ? 2 * a.tokens * a.dim : 0,
            .bytes = a.tokens * (1 + int64_t(a.dim) * (a.has_noise ? 3 : 2))};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::embedding_s8
