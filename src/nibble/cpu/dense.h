// The loops around a kernel of a dense product  y[m][n] = sum_k x[m][k] w[n][k]  on the panels of
// numerics/dense_panel.h, for GEMV and GEMM alike. Compiled once per ISA.
//
// Rows of x are cut into strips of nearly equal height, at most Kernel::kRows, whose sums stay in
// registers, and repacked once: step after step of k, the rows of a strip side by side, so that a
// kernel broadcasts from one stream. A task multiplies some strips with some panels, in blocks of
// k: a block of a panel is read from the cache by all strips of the task.
//
//   memory   panels, once for the strips of a task
//   L2       strips x block: 8 x 14 x 512 floats, 224 KiB; their sums: 112 x 128 floats, 56 KiB
//   L1, L2   panel x block: 512 x 128 bytes, 64 KiB, or half of it for fp16
//
// A sum is one chain of fma in the order of k, whatever the blocks: between them it waits in y.
#pragma once
#include <cstdint>

#include "nibble/base/op.h"
#include "nibble/numerics/dense_panel.h"

namespace nibble::cpu {

namespace {  // NOLINT: internal linkage is the point

constexpr int64_t kPanelsPerTask = 4;
constexpr int64_t kStripsPerTask = 8;
constexpr int64_t kStepsPerBlock = 512;

// Strip s of `count` strips of m rows, of nearly equal heights.
struct Strip {
  int64_t begin, rows;
};
constexpr Strip strip_of(int64_t m, int64_t count, int64_t s) {
  const int64_t low = m / count, more = m % count;
  return {s * low + (s < more ? s : more), low + (s < more)};
}
static_assert(strip_of(17, 2, 0).rows == 9 && strip_of(17, 2, 1).begin == 9);

// What a tile fetches into L2 for later ones, if it likes: so many bytes more at each step.
struct Ahead {
  const char* from;
  int64_t stride;
};

// Kernel:
//   Activation, kParts   x is repacked to so many of these for a step of a row
//   kRows                the greatest height of a strip
//   kFewRows             so few at most that two panels are read side by side
//   parts(x, left, to, stride)   the activations of a step, from x[0..left) of a row
//   tile(tile, rows, panels)     adds the steps of a block to a strip of y, or begins it
template <class Activation, class W>
struct Tile {
  const Activation* a;  // [steps][kParts][rows]
  const W* b;           // [steps][32][group], the next panel `panel` elements behind
  int64_t panel, steps;
  float* y;
  int64_t ldy, columns;
  bool begins;
  Ahead weights_ahead, rows_ahead;
};

template <class Kernel, class X>
void repack(const X* x, int64_t ldx, int64_t rows, int64_t k, typename Kernel::Activation* to) {
  constexpr int64_t group = Kernel::kLayout.group, at_once = 64;
  const int64_t steps = Kernel::kLayout.steps(k), whole = k / group;
  for (int64_t begin = 0; begin < steps; begin += at_once) {  // what is written stays in L1
    const int64_t end = begin + at_once < steps ? begin + at_once : steps;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t q = begin; q < end; ++q)
        Kernel::parts(x + r * ldx + q * group, q < whole ? group : k % group,
                      to + q * Kernel::kParts * rows + r, rows);
  }
}

// Part `i` of `parts` of what steps of so many bytes read from `begin` on.
inline Ahead ahead_of(const void* begin, int64_t step_bytes, int64_t steps, int64_t i,
                      int64_t parts) {
  return {static_cast<const char*>(begin) + step_bytes * steps * i / parts, step_bytes / parts};
}

// Where the sums of a product with one matrix wait and end: in y. Another `Sums` for dense_sums()
// has as much to say of its matrices, whose panels follow one another as tasks read them. Made
// for m rows of x and y, those of a task from `row` on, and its panels from p0 on.
template <class Kernel, class Args>
struct SumsInY {
  static constexpr int64_t kMatrices = 1;
  const Args& a;
  SumsInY(const Args& args, int64_t, int64_t, int64_t) : a(args) {}

  const auto* panel(int64_t p) const { return a.w + p * Kernel::kLayout.panel_elements(a.k); }
  int64_t apart(int64_t) const { return Kernel::kLayout.panel_elements(a.k); }  // from p to p + 1
  float* at(int64_t row, int64_t p) const { return a.y + row * a.ldy + p * kDensePanel; }
  int64_t ld(int64_t) const { return a.ldy; }
  int64_t columns(int64_t p) const { return a.n - p * kDensePanel; }
  void done(int64_t, int64_t, int64_t) const {}  // rows begin..begin + count of p have all sums
};

// Rows first..first + m of x and y, which are repacked already, in strips; panels p0..p1.
//
// The first strip that meets a block of a panel would wait for memory, and so would the first panel
// that meets a block of rows: each strip fetches its part of the weights that come next, each panel
// its part of the strip's next rows, up to those of the next task.
template <class Kernel, class Sums, class Args>
void panels_by_strips(const Args& a, int64_t first, int64_t m, int64_t strips, int64_t s0,
                      int64_t s1, int64_t p0, int64_t p1) {
  constexpr DensePanel layout = Kernel::kLayout;
  using Activation = typename Kernel::Activation;
  Sums sums(a, m, first + strip_of(m, strips, s0).begin, p0);
  const int64_t step_bytes = layout.step_elements() * int64_t(sizeof(*sums.panel(0)));
  const auto* packed = reinterpret_cast<const Activation*>(a.workspace);
  const int64_t steps = layout.steps(a.k);
  const int64_t block = strips == 1 ? steps : kStepsPerBlock;
  const int64_t most = m <= Kernel::kFewRows ? 2 : 1;
  for (int64_t q = 0; q < steps; q += block)
    for (int64_t p = p0; p < p1; p += most) {
      const int64_t beside = p + most <= p1 ? most : 1;
      const bool last = q + block >= steps;  // of the blocks
      const int64_t next_q = last ? 0 : q + block;
      const auto* next = p + most < p1 ? sums.panel(p + most) + q * layout.step_elements()
                                       : sums.panel(last && s1 == strips ? p1 : p0) +
                                             next_q * layout.step_elements();
      for (int64_t s = s0; s < s1; ++s) {
        const Strip strip = strip_of(m, strips, s);
        const Strip later = strip_of(m, strips,
                                     !last                         ? s
                                     : s + kStripsPerTask < strips ? s + kStripsPerTask
                                                                   : s - s0);
        const auto* rows = packed + (later.begin * steps + next_q * later.rows) * Kernel::kParts;
        Kernel::tile(
            {.a = packed + (strip.begin * steps + q * strip.rows) * Kernel::kParts,
             .b = sums.panel(p) + q * layout.step_elements(),
             .panel = sums.apart(p),
             .steps = q + block < steps ? block : steps - q,
             .y = sums.at(first + strip.begin, p),
             .ldy = sums.ld(p),
             .columns = sums.columns(p),
             .begins = q == 0,
             .weights_ahead = ahead_of(next, step_bytes, block, s - s0, s1 - s0),
             .rows_ahead = ahead_of(rows, later.rows * Kernel::kParts * int64_t(sizeof(Activation)),
                                    block, p - p0, p1 - p0)},
            int(strip.rows), int(beside));
        if (last) sums.done(first + strip.begin, strip.rows, p);
      }
    }
}

template <class Kernel, class Sums, class Args>
void dense_sums(const Args& a, const Exec& e) {
  constexpr DensePanel layout = Kernel::kLayout;
  auto* packed = reinterpret_cast<typename Kernel::Activation*>(a.workspace);
  const int64_t panels = layout.panels(a.n) * Sums::kMatrices;
  for (int64_t first = 0; first < a.m; first += kDenseRowsAtOnce) {
    const int64_t m = a.m - first < kDenseRowsAtOnce ? a.m - first : kDenseRowsAtOnce;
    const int64_t strips = (m + Kernel::kRows - 1) / Kernel::kRows;
    parallel_for(e.pool, strips, kStripsPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) {
        const Strip strip = strip_of(m, strips, s);
        repack<Kernel>(a.x + (first + strip.begin) * a.ldx, a.ldx, strip.rows, a.k,
                       packed + strip.begin * layout.steps(a.k) * Kernel::kParts);
      }
    });
    // Neighbouring tasks share panels.
    const int64_t across = (panels + kPanelsPerTask - 1) / kPanelsPerTask;
    const int64_t down = (strips + kStripsPerTask - 1) / kStripsPerTask;
    parallel_tasks(e.pool, across * down, [&](int64_t task, int) {
      const int64_t p = task / down * kPanelsPerTask, s = task % down * kStripsPerTask;
      panels_by_strips<Kernel, Sums>(a, first, m, strips, s,
                                     s + kStripsPerTask < strips ? s + kStripsPerTask : strips, p,
                                     p + kPanelsPerTask < panels ? p + kPanelsPerTask : panels);
    });
  }
}

// y = x w^T
template <class Kernel, class Args>
void dense(const Args& a, const Exec& e) {
  dense_sums<Kernel, SumsInY<Kernel, Args>>(a, e);
}

}  // namespace
}  // namespace nibble::cpu
