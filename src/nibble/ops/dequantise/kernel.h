// Compiled once per ISA.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/dequantise/kernels.h"

namespace nibble::dequantise {
namespace {

template <bool Noisy>
inline void row_of(const int32_t* acc, const uint16_t* noise, int32_t step, float by, int n,
                   float* y) {
  const cpu::F16 scale = cpu::splat(by);
  const cpu::I16 signed_step = cpu::splat(step);
  for (int j = 0; j < n; j += 16) {
    cpu::I16 x = cpu::load(acc + j);
    if constexpr (Noisy) x = x + cpu::signed_by(noise[j / 16], signed_step);
    cpu::store(y + j, cpu::to_float(x) * scale);
  }
}

// Which rows are noisy, and where their noise lies, is counted along: a division for each row would
// be a third of its time.
inline void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) {
    const int64_t n = a.n, words = n / 16;
    int64_t due = a.noise ? (a.every - (begin + a.phase) % a.every) % a.every : a.rows;
    int64_t shared = a.share - begin % a.share;
    const uint16_t* noise = a.noise ? a.noise + begin / a.share * words : nullptr;
    for (int64_t r = begin; r < end; ++r) {
      if (due == 0)
        row_of<true>(a.acc + r * n, noise, a.steps ? a.steps[r] : a.step, a.scale, a.n,
                     a.y + r * n);
      else
        row_of<false>(a.acc + r * n, nullptr, 0, a.scale, a.n, a.y + r * n);
      if (due-- == 0) due = a.every - 1;
      if (--shared == 0) {
        shared = a.share;
        if (noise) noise += words;
      }
    }
  });
}

}  // namespace
}  // namespace nibble::dequantise
