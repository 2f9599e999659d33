// toy_op:  y[i] = 3 * x[i] + 1        x int32 in [-2^29, 2^29], y int32, exact
#pragma once
#include "nibble/base/op.h"

namespace nibble::toy_op {

struct Args {
  int64_t n = 0;               // >= 1
  const int32_t* x = nullptr;  // [n]
  int32_t* y = nullptr;        // [n]
};

struct Op {
  using Args = toy_op::Args;
  static constexpr std::string_view name = "toy_op";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) { return {.ops = 2 * a.n, .bytes = 8 * a.n}; }
};
static_assert(OpContract<Op>);

}  // namespace nibble::toy_op
