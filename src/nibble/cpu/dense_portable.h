// The kernel of dense.h in plain C++: one row at a time, sums in an array. fma is the C library's,
// correctly rounded everywhere and slow where the processor has none.
#pragma once
#include "nibble/cpu/dense.h"
#include "nibble/numerics/elementary.h"

namespace nibble::cpu {
namespace {

inline float as_float(float x) { return x; }
inline float as_float(fp16 x) { return to_float(x); }
inline float as_float(bf16 x) { return to_float(flushed(x)); }

template <class W>
struct DensePortable {
  using Activation = float;
  static constexpr DensePanel kLayout = kDensePanelOf<W>;
  static constexpr int kParts = kLayout.group, kRows = 4, kFewRows = 0;
  template <class X>
  static void parts(const X* x, int64_t left, float* to, int64_t stride) {
    for (int i = 0; i < kParts; ++i)  // the last neighbour first
      to[(kParts - 1 - i) * stride] = i < left ? as_float(x[i]) : 0.0f;
  }
  static void tile(const Tile<float, W>& t, int rows, int) {
    const int columns = t.columns < kDensePanel ? int(t.columns) : kDensePanel;
    for (int r = 0; r < rows; ++r) {
      float* y = t.y + r * t.ldy;
      float sum[kDensePanel] = {};
      for (int j = 0; j < columns && !t.begins; ++j) sum[j] = y[j];
      for (int64_t q = 0; q < t.steps; ++q)
        for (int part = 0; part < kParts; ++part) {
          const float x = t.a[(q * kParts + part) * rows + r];
          const W* w = t.b + q * kLayout.step_elements() + kParts - 1 - part;
          for (int j = 0; j < columns; ++j) sum[j] = math::fma(x, as_float(w[j * kParts]), sum[j]);
        }
      for (int j = 0; j < columns; ++j) y[j] = sum[j];
    }
  }
};

}  // namespace
}  // namespace nibble::cpu
