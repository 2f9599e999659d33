// sign_credit:  g[k][j] += sum_p z[p] e[p][k][j]        z[p] = sat(rne(2^-shift * credit[p]))
//
// The update by perturbations of full rank: each is a matrix of random signs e
// (numerics/sign_panel.h) that earned one fixed-point credit. Both are functions of a seed and a
// scalar, so whoever has those can make the update. sat clamps to [-127, 127]; rounding to nearest
// even is symmetric, half up would drift every weight in one direction.
//
// Columns from `columns` on are padding: their gradients are left alone. magnitude[0] += n sum |z|,
// which is what the next update's shift is chosen by.
//
// |credit| <= 2^24 is exact as a float. Sums are int32; the caller sees to it that they fit.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/sign_panel.h"

namespace nibble::sign_credit {

struct Args {
  int perturbations = 0;
  int k = 0, n = 0;                 // multiples of 16
  int columns = 0;                  // 1..n, the last 16 of n among them
  int shift = 0;                    // 0..24
  const int32_t* credit = nullptr;  // [perturbations]
  const uint16_t* e = nullptr;      // [perturbations][sign_words(k, n)]
  int32_t* g = nullptr;             // [k][n]
  int64_t* magnitude = nullptr;     // [1]
};

struct Op {
  using Args = sign_credit::Args;
  static constexpr std::string_view name = "sign_credit";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    const int64_t size = int64_t(a.k) * a.n;
    return {.ops = 2 * size * a.perturbations,
            .bytes = size * a.perturbations / 8 + 8 * size,
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::sign_credit
