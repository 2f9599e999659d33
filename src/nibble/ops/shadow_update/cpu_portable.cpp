#include <array>

#include "nibble/numerics/lanes.h"
#include "nibble/numerics/ternary.h"
#include "nibble/numerics/ternary_hash.h"
#include "nibble/ops/shadow_update/update.h"

namespace nibble::shadow_update {
namespace {

using V = numerics::F32x16;

struct Portable {
  static void fill(uint64_t seed, uint64_t first, int n, int terms, int8_t* out) {
    for (int i = 0; i < n; ++i) out[i] = int8_t(ternary_noise(seed, first + uint64_t(i), terms));
  }
  static V load(const int8_t* p) {
    V x;
    for (int i = 0; i < 16; ++i) x.v[i] = p[i];
    return x;
  }
  using Weights = std::array<int8_t, 16>;
  static Weights ternary(const V& x) {
    Weights w;
    for (size_t i = 0; i < 16; ++i) w[i] = int8_t(to_ternary(x.v[i]));
    return w;
  }
  static void store(int8_t* w, const Weights& x, int count) { std::copy_n(x.data(), count, w); }
  static uint32_t two_bit(const Weights& w) {
    ternary_x4 codes[4];
    for (size_t i = 0; i < 4; ++i)
      codes[i] = pack_ternary(w[4 * i], w[4 * i + 1], w[4 * i + 2], w[4 * i + 3]);
    uint32_t bytes;
    std::memcpy(&bytes, codes, 4);
    return bytes;
  }
};

}  // namespace

void portable(const Args& a, const Exec& e) { run<V, Portable>(a, e); }

}  // namespace nibble::shadow_update
