// Private to runtime.
#pragma once
#include "nibble/base/parallel.h"
#include "nibble/numerics/bf16.h"
#include "nibble/numerics/fp16.h"

namespace nibble {

inline void narrow(float x, float& to) { to = x; }
inline void narrow(float x, bf16& to) { to = to_bf16(x); }
inline void narrow(float x, fp16& to) { to = to_fp16(x); }

// Floats as products take them beside weights of T: [rows][cols].
template <class T>
void round_rows(const float* x, int64_t rows, int64_t cols, T* to, Pool* pool) {
  parallel_for(pool, rows, 1, [&](int64_t r, int64_t) {
    for (int64_t k = r * cols; k < (r + 1) * cols; ++k) narrow(x[k], to[k]);
  });
}

}  // namespace nibble
