// y = silu(g) * u of dense products g and u with two matrices, for variants of dual ops: the strips
// and the kernels of dense.h. Panels of gate and of up take turns. Sums of gate wait in y, as those
// of one product do, and sums of up on the stack; a strip's y is finished when its up is. Of few
// rows a panel of gate and the same of up are the two that are read side by side.
#pragma once
#include "nibble/cpu/dense.h"
#include "nibble/numerics/elementary.h"

namespace nibble::cpu {
namespace {

// V: sixteen floats.
template <class Kernel, class V, class Args>
class GatedSums {
 public:
  static constexpr int64_t kMatrices = 2;
  GatedSums(const Args& a, int64_t m, int64_t row, int64_t p0)
      : a_(a), few_(m <= Kernel::kFewRows), row_(row), p0_(p0) {}

  const auto* panel(int64_t p) const {
    return (p % 2 == 0 ? a_.gate : a_.up) + p / 2 * Kernel::kLayout.panel_elements(a_.k);
  }
  // Both begin with a cache line: a whole number of elements lies between them.
  int64_t apart(int64_t p) const {
    return (reinterpret_cast<intptr_t>(panel(p + 1)) - reinterpret_cast<intptr_t>(panel(p))) /
           int64_t(sizeof(*a_.up));
  }
  float* at(int64_t row, int64_t p) {
    if (!few_ && p % 2 == 0) return a_.y + row * a_.ldy + p / 2 * kDensePanel;
    return sums_ + (row - row_) * kColumns + (few_ ? p : (p - p0_) / 2) % 2 * kDensePanel;
  }
  int64_t ld(int64_t p) const { return few_ || p % 2 == 1 ? kColumns : a_.ldy; }
  int64_t columns(int64_t p) const { return few_ ? kColumns : columns_of(p); }
  void done(int64_t begin, int64_t count, int64_t p) {
    if (!few_ && p % 2 == 0) return;
    const int64_t gate = p - p % 2;
    for (int64_t row = begin; row < begin + count; ++row)
      gate_by_up(at(row, gate), at(row, gate + 1), a_.y + row * a_.ldy + gate / 2 * kDensePanel,
                 columns_of(gate));
  }

 private:
  static constexpr int64_t kColumns = kPanelsPerTask / 2 * kDensePanel;
  static_assert(kColumns ==
                2 * kDensePanel);  // what a task has of up; a panel of each for few rows

  int64_t columns_of(int64_t p) const { return a_.n - p / 2 * kDensePanel; }
  // A NaN is 0x7fc00000.
  static void gate_by_up(const float* g, const float* u, float* y, int64_t columns) {
    for (int64_t c = 0; c < kDensePanel && c < columns; c += 16) {
      const int count = columns - c < 16 ? int(columns - c) : 16;
      const V gate = V::load(g + c, count);
      const V product = gate * math::sigmoid(gate) * V::load(u + c, count);
      select(is_nan(product), V(bit_cast<float>(0x7fc00000u)), product).store(y + c, count);
    }
  }

  const Args& a_;
  const bool few_;
  const int64_t row_, p0_;
  alignas(64) float sums_[kStripsPerTask * Kernel::kRows * kColumns];
};

// Args of a dual op: m, n, k, ldx, ldy, gate, up, x, y, workspace.
template <class Kernel, class V, class Args>
void dense_dual(const Args& a, const Exec& e) {
  dense_sums<Kernel, GatedSums<Kernel, V, Args>>(a, e);
}

}  // namespace
}  // namespace nibble::cpu
