// Memory of one element type, aligned to 64 bytes and zero at first. Moves, does not copy.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>

namespace nibble {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t size)
      : size_(size), data_(static_cast<T*>(::operator new[](size_t(size) * sizeof(T), kAlign))) {
    std::fill_n(data_.get(), size, T());
  }
  T* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) const { return data_.get()[i]; }
  T* begin() const { return data(); }
  T* end() const { return data() + size_; }

 private:
  static constexpr std::align_val_t kAlign{64};
  struct Free {
    void operator()(T* p) const { ::operator delete[](p, kAlign); }
  };
  int64_t size_ = 0;
  std::unique_ptr<T, Free> data_;
};

}  // namespace nibble
