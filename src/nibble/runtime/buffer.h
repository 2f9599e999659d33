// Memory of one element type, aligned to 64 bytes and zero at first. Moves, does not copy.
//
// From 2 MiB on it is asked for in pages of that size: weights that are read once a token cost a
// translation each 4 KiB otherwise, and two threads read them half as fast on a Zen 5.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace nibble {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t size) : size_(size), data_(allocated(size_t(size) * sizeof(T))) {
    std::fill_n(data_.get(), size, T());
  }
  T* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) const { return data_.get()[i]; }
  T* begin() const { return data(); }
  T* end() const { return data() + size_; }

 private:
  static constexpr size_t kAlign = 64, kHugePage = size_t(2) << 20;
  struct Free {
    std::align_val_t align{kAlign};
    void operator()(T* p) const { ::operator delete[](p, align); }
  };

  static std::unique_ptr<T, Free> allocated(size_t bytes) {
    const std::align_val_t align{bytes < kHugePage ? kAlign : kHugePage};
    T* p = static_cast<T*>(::operator new[](bytes, align));
#ifdef MADV_HUGEPAGE
    // Whole pages of the buffer alone. A kernel that has none leaves small ones.
    if (bytes >= kHugePage) madvise(p, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
    return {p, Free{align}};
  }

  int64_t size_ = 0;
  std::unique_ptr<T, Free> data_;
};

}  // namespace nibble
