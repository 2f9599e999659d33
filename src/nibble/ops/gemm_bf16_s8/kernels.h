// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemm_bf16_s8/gemm_bf16_s8.h"

namespace nibble::gemm_bf16_s8 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void avx512_bf16(const Args&, const Exec&);

namespace {

inline constexpr int64_t kRowsPerTask = 64, kElementsPerTask = 1 << 14;

// Every variant: x once to what it multiplies, then rows of y. What rows share is widened once.
template <class Widened, class Widen, class Rows>
inline void run(const Args& a, const Exec& e, Widen widen, Rows rows) {
  auto* x = reinterpret_cast<Widened*>(a.workspace);
  parallel_for(e.pool, (a.m - 1) * a.ldx + a.k, kElementsPerTask,
               [&](int64_t begin, int64_t end) { widen(a.x + begin, end - begin, x + begin); });
  parallel_for(e.pool, a.m, kRowsPerTask,
               [&](int64_t begin, int64_t end) { rows(a, x, begin, end); });
}

}  // namespace
}  // namespace nibble::gemm_bf16_s8
