// Compiled once per ISA.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/low_rank_noise/kernels.h"

namespace nibble::low_rank_noise {
namespace {

// All parts are added while a sum is in its register.
inline void row_of(const Args& a, int64_t r) {
  const int32_t* acc = a.acc + r * a.n;
  int32_t* y = a.y + r * a.n;
  const int words = a.n / 16;
  const uint16_t* e = a.e + r / a.share * words;
  for (int w = 0; w < words; ++w) {
    cpu::I16 sum = cpu::load(acc + 16 * w);
    for (int p = 0; p < a.parts; ++p)
      sum = sum + cpu::signed_by(e[p * a.ld + w], cpu::splat(a.step[p * a.rows + r]));
    cpu::store(y + 16 * w, sum);
  }
}

inline void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row_of(a, r);
  });
}

}  // namespace
}  // namespace nibble::low_rank_noise
