// credit_noise:  z[t][j] = sat(rne(2^-shift * sum_l credit[l][t] * e[l][t][j]))
//
// The right factor of an update by per-token noise: what each unit's noise of a token earned, over
// the lanes that perturbed it. Credits are fixed-point loss differences; e is +1 where the noise
// bit is set and -1 elsewhere; sat clamps to [-127, 127].
//
// Rounding to nearest even is symmetric: half up would drift every weight in one direction.
// magnitude[0] += sum |z|, which is what the next update's shift is chosen by.
//
// |credit| * lanes < 2^24, so that a sum is exact as a float.
#pragma once
#include "nibble/base/op.h"

namespace nibble::credit_noise {

struct Args {
  int64_t rows = 0;
  int n = 0;  // a multiple of 16
  int lanes = 0;
  int64_t lane_rows = 0;            // rows from a lane of credit and noise to the next, >= rows
  int shift = 0;                    // 0..24
  int64_t ldz = 0;                  // elements from a row of z to the next, >= n
  int64_t ld_noise = 0;             // 16-bit words from a row of noise to the next, >= n / 16
  const int32_t* credit = nullptr;  // [lanes][lane_rows]
  const uint16_t* noise = nullptr;  // [lanes][lane_rows][ld_noise], the first n / 16 of each row
  int8_t* z = nullptr;              // [rows][ldz], columns n.. are left alone
  int64_t* magnitude = nullptr;     // [1]
};

struct Op {
  using Args = credit_noise::Args;
  static constexpr std::string_view name = "credit_noise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = a.rows * a.n * (a.lanes + 3), .bytes = a.rows * (a.n * (a.lanes + 8) / 8)};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::credit_noise
