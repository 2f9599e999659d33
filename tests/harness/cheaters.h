// A small op and variants of it that cheat: each passes for honest to somebody who does not look
// closely, and each must be caught by the gate that its row in cheaters_test.cpp names.
//
//   y[i] = 0.1 * x[i], rounded once, NaN payloads and the sign of zero kept
//   total = sum of q                      partial: one int32 for each piece of 16 elements
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/base/op.h"

namespace nibble::toy {

inline constexpr int kPiece = 16;

struct Args {
  int n = 0;
  const float* x = nullptr;    // [n]
  const int8_t* q = nullptr;   // [n]
  float* y = nullptr;          // [n]
  int32_t* total = nullptr;    // [1]
  int32_t* partial = nullptr;  // [pieces]
  int pieces() const { return (n + kPiece - 1) / kPiece; }
};

struct Op {
  using Args = toy::Args;
  static constexpr std::string_view name = "toy";
  static constexpr bool bit_exact = true;
  static Status check(const Args& a) {
    return a.n > 0 ? Status() : Status::error("toy: n must be positive");
  }
  static void buffers(Args& a, BufferVisitor& v) {
    v.in("x", a.x, a.n);
    v.in("q", a.q, a.n);
    v.out("y", a.y, a.n);
    v.out("total", a.total, 1);
    v.workspace("partial", a.partial, a.pieces());
  }
  static void reference(const Args& a) {
    *a.total = 0;
    for (int i = 0; i < a.n; ++i) a.y[i] = float(double(0.1f) * a.x[i]), *a.total += a.q[i];
  }
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.n, .bytes = 9 * a.n, .arithmetic = Arithmetic::fp32};
  }
};

std::vector<Case<Args>> cases();

// Forgets what cheaters remember from call to call.
void forget();

}  // namespace nibble::toy
