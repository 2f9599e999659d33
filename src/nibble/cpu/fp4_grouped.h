// Products of groups of tokens with a matrix each, for variants of grouped ops: experts. Built of
// fp4_s8.h.
#pragma once
#include "nibble/cpu/fp4_s8.h"

namespace nibble::cpu {
namespace {

constexpr int64_t kFp4GroupTaskBytes = 128 << 10;  // of panels read by a task

// Args: groups, m, n, k, ldx, ldy, offsets, w, w_stride, w_scale, x, x_scale, y, workspace;
// x_blocks and token_scale if x is in NVFP4. A task is a group and some of its panels, so that a
// panel is read by one task, for all of its tokens; groups without tokens have tasks that do
// nothing.
template <class K, class F, class Args>
void fp4_grouped(const Args& a, const Exec& e) {
  const int blocks = a.k / F::kBlock;
  const auto rows = [&a](int g) { return a.offsets[g + 1] - a.offsets[g]; };
  const auto packed = [&](int g) { return a.workspace + F::token_bytes(a.offsets[g]) * blocks; };
  parallel_for(e.pool, a.m, kFp4PackTokens, [&](int64_t begin, int64_t end) {
    fp4_put_token_scales(a, begin, end);
    for (int g = 0; g < a.groups; ++g) {
      if (rows(g) == 0 || a.offsets[g + 1] <= begin || a.offsets[g] >= end) continue;
      fp4_pack_tiles<K, F>(fp4_rows(a).from(a.offsets[g], 0), rows(g), blocks, packed(g),
                           begin - a.offsets[g], end - a.offsets[g]);
    }
  });
  const int64_t panels = F::kLayout.panels(a.n), panel_bytes = F::kLayout.panel_bytes(a.k);
  const int64_t grain = 2 * std::max<int64_t>(1, kFp4GroupTaskBytes / 2 / panel_bytes);
  const int64_t pieces = (panels + grain - 1) / grain;
  parallel_for(e.pool, a.groups * pieces, 1, [&](int64_t task, int64_t) {
    const int g = int(task / pieces);
    if (rows(g) == 0) return;
    const Fp4Product product{.m = rows(g),
                             .n = a.n,
                             .k = a.k,
                             .ldy = a.ldy,
                             .w = a.w + g * a.w_stride,
                             .w_scale = a.w_scale + int64_t(g) * a.n,
                             .x_scale = fp4_token_scales(a) + a.offsets[g],
                             .packed = packed(g),
                             .y = a.y + a.offsets[g] * a.ldy};
    const int64_t begin = task % pieces * grain;
    fp4_panels<K, F>(product, begin, std::min(panels, begin + grain));
  });
}

}  // namespace
}  // namespace nibble::cpu
