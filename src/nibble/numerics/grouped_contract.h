// What the contracts of products of groups of tokens with a matrix each share, whatever its format.
// `layout` is that of their panels, and a matrix at least `least` elements of w, to be followed by
// the next at a multiple of `multiple`.
#pragma once
#include <string>

#include "nibble/base/op.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble {

template <class Args>
Status grouped_check(const std::string& op, int64_t least, int multiple, const Args& a) {
  if (a.groups < 1 || a.m < 1 || a.n < 1 || a.k < 1)
    return Status::error(op + ": groups, m, n and k must be positive, got " +
                         std::to_string(a.groups) + ", " + std::to_string(a.m) + ", " +
                         std::to_string(a.n) + " and " + std::to_string(a.k));
  if (!a.offsets) return Status::error(op + ": offsets must not be null");
  if (a.w_stride < least || a.w_stride % multiple != 0)
    return Status::error(op + ": w_stride must be a multiple of " + std::to_string(multiple) +
                         " and at least " + std::to_string(least) + ", got " +
                         std::to_string(a.w_stride));
  return {};
}
template <class Args>
Status grouped_check(const std::string& op, const PanelLayout& layout, const Args& a) {
  return grouped_check(op, layout.bytes(a.n, a.k), 64, a);
}
template <class Args>
Status offsets_check(const std::string& op, const Args& a) {
  bool rising = a.offsets[0] == 0 && a.offsets[a.groups] == a.m;
  for (int g = 0; g < a.groups; ++g) rising = rising && a.offsets[g] <= a.offsets[g + 1];
  if (rising) return {};
  return Status::error(op + ": offsets must rise from 0 to m=" + std::to_string(a.m));
}
template <class Args>
void grouped_buffers(int64_t least, Args& a, BufferVisitor& v) {
  v.in("offsets", a.offsets, a.groups + 1);
  v.in("w", a.w, (a.groups - 1) * a.w_stride + least, 64);
}
template <class Args>
void grouped_buffers(const PanelLayout& layout, Args& a, BufferVisitor& v) {
  grouped_buffers(layout.bytes(a.n, a.k), a, v);
}
// Groups that have tokens, whose matrices are read.
template <class Args>
int64_t groups_read(const Args& a) {
  int64_t read = 0;
  for (int g = 0; a.offsets && g < a.groups; ++g) read += a.offsets[g] < a.offsets[g + 1];
  return read;
}
// int8 tokens with a factor each, matrices with one of each row.
template <class Args>
Work grouped_work(const PanelLayout& layout, const Args& a) {
  return {.ops = 2 * a.m * a.n * a.k,
          .bytes =
              groups_read(a) * (layout.bytes(a.n, a.k) + 4 * a.n) + a.m * a.k + 4 * a.m * (a.n + 1),
          .arithmetic = Arithmetic::int8};
}

}  // namespace nibble
