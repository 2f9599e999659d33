// low_rank_noise:  y[r][j] = acc[r][j] + sum_p step[p][r] e[p][r / share][j]
//
// What the parts of a perturbation of low rank do to the sums of a matrix: part p is an outer
// product f e^T, rank1_noise made step[p] of its f, and e is +1 where its bit is set and -1
// elsewhere. `share` neighbouring rows, a sequence, read the same signs.
//
// |acc| + sum_p |step[p]| < 2^31.
#pragma once
#include "nibble/base/op.h"

namespace nibble::low_rank_noise {

struct Args {
  int64_t rows = 0;
  int n = 0;                      // a multiple of 16
  int parts = 1;                  // 1..64
  int share = 1;                  // rows that read the same signs
  int64_t ld = 0;                 // 16-bit words from the signs of a part to those of the next
  const int32_t* acc = nullptr;   // [rows][n]
  const int32_t* step = nullptr;  // [parts][rows]
  const uint16_t* e = nullptr;    // of each part [ceil(rows / share)][n / 16]
  int32_t* y = nullptr;           // [rows][n]
};

struct Op {
  using Args = low_rank_noise::Args;
  static constexpr std::string_view name = "low_rank_noise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.rows * a.n * a.parts,
            .bytes = 8 * a.rows * a.n + 4 * a.rows * a.parts,
            .arithmetic = Arithmetic::none};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::low_rank_noise
