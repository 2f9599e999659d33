#include <cmath>
#include <vector>

#include "nibble/harness/verify.h"
#include "nibble/numerics/ternary.h"
#include "nibble/numerics/ternary_hash.h"
#include "nibble/ops/shadow_update/shadow_update.h"

using namespace nibble;
using namespace nibble::shadow_update;

namespace {

// The formula in double, apart from the defined order of operations: the reference shares that with
// the variants, so this is what sees a wrong formula.
bool agrees_with_formula() {
  constexpr int n = 1001, pairs = 5;
  const uint64_t seed[pairs] = {3, 1, 4, 1, 5};
  const float weight[pairs] = {-1.5f, -0.7f, 0.1f, 0.6f, 1.5f};
  std::vector<float> shadow(n, 0.25f), z(n), squares(pieces(n));
  std::vector<int8_t> w(n);
  std::vector<uint8_t> packed(packed_bytes(n));
  float ema = 4;
  const Args a{.n = n,
               .pairs = pairs,
               .lr = 0.5f,
               .threshold = 0.3f,
               .ternary = Ternary::both,
               .seed = seed,
               .weight = weight,
               .ema = &ema,
               .shadow = shadow.data(),
               .w = w.data(),
               .packed = packed.data(),
               .z = z.data(),
               .squares = squares.data()};
  Op::variants().back().run(a, {});  // portable
  std::vector<double> exact(n);
  double ms = 0;
  for (int i = 0; i < n; ++i) {
    for (int p = 0; p < pairs; ++p)
      exact[i] += double(weight[p]) * ternary_noise(seed[p], uint64_t(i), 4);
    ms += exact[i] * exact[i] / n;
  }
  const double now = 0.95 * 4 + 0.05 * ms;
  bool ok = std::fabs(ema - now) < 1e-4 && packed.back() >> 2 == 0b01'01'01;  // n % 4 == 1
  for (int i = 0; i < n; ++i) {
    ok = ok && ternary_at(ternary_x4{packed[size_t(i / 4)]}, i % 4) == w[size_t(i)];
    const double g = exact[i] / std::sqrt(now + 1e-3);
    if (std::fabs(std::fabs(g) - 0.3) < 1e-4) continue;  // the jump of the threshold
    const double want = std::fabs(g) < 0.3 ? 0.25 : 0.25 + 0.5 * g;
    ok = ok && std::fabs(shadow[i] - want) < 1e-5;
    if (std::fabs(std::fabs(want) - 0.5) > 1e-4)
      ok = ok && w[i] == (want > 0.5 ? 1 : want < -0.5 ? -1 : 0);
  }
  return ok;
}

}  // namespace

int main() {
  float f[4] = {};
  const uint64_t seed[1] = {};
  int8_t w[1];
  const Args good{.n = 1,
                  .pairs = 1,
                  .seed = seed,
                  .weight = f,
                  .ema = f,
                  .shadow = f,
                  .w = w,
                  .z = f,
                  .squares = f};
  uint8_t codes[1];
  Args only_packed = good;
  only_packed.ternary = Ternary::two_bit, only_packed.w = nullptr, only_packed.packed = codes;
  Args empty = good, missing = good, unasked = good, floats = only_packed, unpacked = only_packed;
  empty.pairs = 0;
  missing.w = nullptr;
  unasked.packed = codes;
  floats.ternary = Ternary::none;
  unpacked.packed = nullptr;
  bool checks = Op::check(good).ok() && Op::check(only_packed).ok();
  for (const Args& a : {empty, missing, unasked, floats, unpacked})
    checks = checks && !Op::check(a).ok();
  return harness::verify_main("shadow_update", checks && agrees_with_formula());
}
