// Panels: matrices of whole floats (f32, bf16, fp16) in the order that CPU kernels read them.
//
// A panel is 32 rows of the matrix, the outputs of a linear layer: two registers of 512 bits or
// four of 256. It is read front to back, one linear stream, and holds k after k of all its rows;
// bf16 has two neighbours in k side by side, the 32-bit lane that vdpbf16ps multiplies.
//
//   f32, fp16   w[0][0] w[1][0] ... w[31][0]   w[0][1] ... w[31][1]   ...
//   bf16        w[0][0] w[0][1]   w[1][0] w[1][1] ... w[31][0] w[31][1]   w[0][2] w[0][3] ...
//
// Rows are padded with zeros to whole panels, k to whole groups of neighbours.
#pragma once
#include <cstdint>

#include "nibble/numerics/bf16.h"
#include "nibble/numerics/fp16.h"

namespace nibble {

inline constexpr int kDensePanel = 32;

struct DensePanel {
  int group = 1;  // neighbours in k

  constexpr int64_t steps(int64_t k) const { return (k + group - 1) / group; }
  constexpr int64_t step_elements() const { return int64_t(kDensePanel) * group; }
  constexpr int64_t panel_elements(int64_t k) const { return steps(k) * step_elements(); }
  constexpr int64_t panels(int64_t n) const { return (n + kDensePanel - 1) / kDensePanel; }
  constexpr int64_t elements(int64_t n, int64_t k) const { return panels(n) * panel_elements(k); }
  // Where w[row][at] stands.
  constexpr int64_t slot(int64_t row, int64_t at, int64_t k) const {
    return row / kDensePanel * panel_elements(k) + at / group * step_elements() +
           row % kDensePanel * group + at % group;
  }
};

template <class T>
inline constexpr DensePanel kDensePanelOf = {};
template <>
inline constexpr DensePanel kDensePanelOf<bf16> = {.group = 2};

// A bf16 as vdpbf16ps reads it: a subnormal is a zero of its sign.
NIBBLE_HD constexpr bf16 flushed(bf16 x) {
  return {uint16_t((x.bits & 0x7f80u) == 0 ? x.bits & 0x8000u : x.bits)};
}

// From rows w[n][ldw], ldw >= k, to kDensePanelOf<T>.elements(n, k) elements. bf16 are flushed.
template <class T>
void pack_dense(const T* w, int64_t ldw, int64_t n, int64_t k, T* packed) {
  constexpr DensePanel layout = kDensePanelOf<T>;
  for (int64_t i = 0; i < layout.elements(n, k); ++i) packed[i] = T{};
  for (int64_t row = 0; row < n; ++row)
    for (int64_t at = 0; at < k; ++at) {
      T& to = packed[layout.slot(row, at, k)];
      to = w[row * ldw + at];
      if constexpr (layout.group == 2) to = flushed(to);
    }
}

// Activations repacked for a kernel: so many rows at a time, 4 bytes for each k of a whole group.
inline constexpr int64_t kDenseRowsAtOnce = 1024;
constexpr int64_t dense_workspace_bytes(int64_t m, int64_t k, DensePanel layout) {
  return 4 * (m < kDenseRowsAtOnce ? m : kDenseRowsAtOnce) * layout.steps(k) * layout.group;
}

// The same of a token of a group, each of which begins with a cache line.
constexpr int64_t dense_row_bytes(int64_t k, DensePanel layout) {
  return (4 * layout.steps(k) * layout.group + 63) / 64 * 64;
}

// How far a chain of k fused multiply-adds of operands in [-1, 1] with random signs may be from its
// exact sum: k roundings by 2^-24 of partial sums that stay below sqrt(k), three times their
// spread.
constexpr double dense_chain_error(int64_t k) {
  double root = double(k);
  for (int i = 0; i < 64; ++i) root = (root + double(k) / root) / 2;
  return double(k) * root * 0x1p-24;
}

// Predicted microseconds on one thread that multiplies `products` at a cycle of 4 GHz and reads
// weights by 16 bytes in it: what binds.
template <class Args>
constexpr double dense_cost(const Args& a, double products) {
  const double all = double(a.m) * double(a.n) * double(a.k) / products;
  const double read = double(sizeof(typename Args::Element)) * double(a.n) * double(a.k) / 16;
  return (all > read ? all : read) / 4000;
}

static_assert(kDensePanelOf<float>.slot(1, 0, 5) == 1 && kDensePanelOf<float>.slot(0, 1, 5) == 32);
static_assert(kDensePanelOf<bf16>.slot(0, 1, 5) == 1 && kDensePanelOf<bf16>.slot(31, 2, 5) == 126);
static_assert(kDensePanelOf<bf16>.slot(32, 0, 5) == 3 * 64);
static_assert(kDensePanelOf<bf16>.elements(33, 5) == 2 * 3 * 64);
static_assert(flushed({0x807f}).bits == 0x8000 && flushed({0x0080}).bits == 0x0080);

}  // namespace nibble
