// The variant of an op that a machine runs, chosen once for a typical shape and called many times.
#pragma once
#include <cassert>

#include "nibble/base/op.h"
#include "nibble/runtime/error.h"

namespace nibble {

template <OpContract Op>
class Chosen {
 public:
  using Args = typename Op::Args;
  // `typical` is a shape; its pointers may be null.
  Chosen(const Args& typical, const Machine& machine) : variant_(select<Op>(typical, machine)) {
    if (!variant_) throw Error(no_match<Op>(typical, machine));
  }
  void operator()(const Args& args, Pool* pool = nullptr) const {
    assert(Op::check(args).ok());
    variant_->run(args, {.pool = pool});
  }

 private:
  const Variant<Args>* variant_;
};

}  // namespace nibble
