// Device memory that frees itself, copies, and an arena for workspaces.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

#include "nibble/base/status.h"

namespace nibble::cuda {

class Memory {
 public:
  Memory() = default;
  ~Memory() { release(); }
  Memory(Memory&& o) noexcept
      : data_(std::exchange(o.data_, nullptr)), bytes_(std::exchange(o.bytes_, 0)) {}
  Memory& operator=(Memory&& o) noexcept {
    std::swap(data_, o.data_), std::swap(bytes_, o.bytes_);
    return *this;
  }

  // Exactly so many bytes, at a multiple of 256, in place of what it holds.
  Status allocate(size_t bytes);
  void release();
  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

// Between any two places; host memory that is not pinned makes them wait.
Status copy(void* to, const void* from, size_t bytes, void* stream);
Status fill(void* to, std::byte value, size_t bytes, void* stream);
// All work of the stream (null: the default one), and of launches before: the first error.
Status synchronize(void* stream);

// One allocation that pieces are taken from and given back all at once: nothing is allocated while
// a graph is captured.
class Arena {
 public:
  Status reserve(size_t bytes) { return used_ = 0, memory_.allocate(bytes); }
  // Null if there is not enough left; `align` is a power of two, at most 256.
  void* take(size_t bytes, size_t align = 256) {
    const size_t at = (used_ + align - 1) & ~(align - 1);
    if (at > memory_.bytes() || bytes > memory_.bytes() - at) return nullptr;
    used_ = at + bytes;
    if (used_ > peak_) peak_ = used_;
    return memory_.data() + at;
  }
  void reset() { used_ = 0; }
  size_t peak_bytes() const { return peak_; }

 private:
  Memory memory_;
  size_t used_ = 0, peak_ = 0;
};

}  // namespace nibble::cuda
