// Private to runtime.
#pragma once
#include <cstddef>
#include <vector>

#include "nibble/base/op.h"
#include "nibble/runtime/buffer.h"
#include "nibble/runtime/error.h"

namespace nibble {

// Memory for the workspaces of ops; all else stays where it is.
class Workspaces : public BufferVisitor {
 public:
  template <class Op>
  void give(typename Op::Args& a) {
    next_ = 0;
    Op::buffers(a, *this);
  }

  template <class Op>
  void run(typename Op::Args a, const Machine& machine, Pool* pool) {
    give<Op>(a);
    throw_if(nibble::run<Op>(a, machine, {.pool = pool}));
  }

 private:
  void* buffer(std::string_view, Role role, DType type, int64_t count, int, void* now) override {
    if (role != Role::workspace) return now;
    if (next_ == memory_.size()) memory_.emplace_back();
    Buffer<std::byte>& m = memory_[next_++];
    if (const int64_t bytes = count * bytes_of(type); m.size() < bytes)
      m = Buffer<std::byte>(bytes);
    return m.data();
  }
  std::vector<Buffer<std::byte>> memory_;
  size_t next_ = 0;
};

}  // namespace nibble
