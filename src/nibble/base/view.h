// Non-owning views of matrices. Strides are in elements.
#pragma once
#include <cstdint>

namespace nibble {

template <class T>
struct MatrixView {
  T* data = nullptr;
  int64_t rows = 0, cols = 0;
  int64_t stride = 0;  // from one row to the next

  constexpr MatrixView() = default;
  constexpr MatrixView(T* d, int64_t r, int64_t c) : MatrixView(d, r, c, c) {}
  constexpr MatrixView(T* d, int64_t r, int64_t c, int64_t s)
      : data(d), rows(r), cols(c), stride(s) {}
  constexpr T* row(int64_t r) const { return data + r * stride; }
  constexpr T& operator()(int64_t r, int64_t c) const { return data[r * stride + c]; }
  constexpr operator MatrixView<const T>() const { return {data, rows, cols, stride}; }
};

}  // namespace nibble
