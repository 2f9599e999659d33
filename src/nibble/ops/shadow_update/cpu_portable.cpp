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
  static void store(int8_t* w, const V& x, int count) {
    for (int i = 0; i < count; ++i) w[i] = int8_t(to_ternary(x.v[i]));
  }
};

}  // namespace

void portable(const Args& a, const Exec& e) { run<V, Portable>(a, e); }

}  // namespace nibble::shadow_update
