// The workspace of the chunked form: one slot for each (sequence, head) that may run at once.
#pragma once
#include "nibble/base/hd.h"
#include "nibble/ops/efla/efla.h"

namespace nibble::efla {

inline constexpr int kMaxWidth = 2;  // vectors of 16 columns that a kernel takes at once

// Blocks of 16 * width columns that cover the values.
NIBBLE_HD constexpr int64_t blocks_of(const Args& a, int width) {
  return (a.value_dim + 16 * width - 1) / (16 * width);
}
NIBBLE_HD constexpr int chunk_of(const Args& a) {
  return a.chunk && a.chunk < a.tokens ? a.chunk : a.tokens;
}
NIBBLE_HD constexpr int64_t slots_of(const Args& a) {
  const int64_t units = a.sequences * a.heads;
  return units < a.slots ? units : a.slots;
}
// Is there a state: carried in or out, or from one chunk to the next?
NIBBLE_HD constexpr bool has_state(const Args& a) {
  return a.carry_in || a.carry_out || chunk_of(a) < a.tokens;
}

struct ChunkSpace {
  float *key, *write, *query;  // [C]
  float *G, *P;                // [C][C], lower triangles
  float* U;                    // [C][16 * width]
  float* S;                    // [blocks][key_dim][16 * width], or null
};

NIBBLE_HD constexpr int64_t to_cache_line(int64_t floats) { return (floats + 15) / 16 * 16; }

NIBBLE_HD constexpr int64_t state_floats(const Args& a) {
  return has_state(a) ? blocks_of(a, kMaxWidth) * a.key_dim * 16 * kMaxWidth : 0;
}
NIBBLE_HD constexpr int64_t slot_floats(const Args& a) {
  const int64_t C = chunk_of(a);
  return 3 * to_cache_line(C) + 2 * to_cache_line(C * C) + C * 16 * kMaxWidth + state_floats(a);
}
NIBBLE_HD constexpr ChunkSpace chunk_space(const Args& a, int64_t slot) {
  const int64_t C = chunk_of(a), line = to_cache_line(C), square = to_cache_line(C * C);
  float* p = a.workspace + slot * slot_floats(a);
  float *G = p + 3 * line, *U = G + 2 * square;
  return {
      p, p + line, p + 2 * line, G, G + square, U, has_state(a) ? U + C * 16 * kMaxWidth : nullptr};
}

}  // namespace nibble::efla
