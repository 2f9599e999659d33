// Compiled once per ISA, which says what Lanes is: sixteen floats with the elementary functions.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/numerics/elementary.h"
#include "nibble/ops/logit_credit/kernels.h"

namespace nibble::logit_credit {
namespace {

inline bool bit(const uint16_t* words, int j) { return (words[j / 16] >> j % 16 & 1) != 0; }

// Sums of the probabilities of one lane's set bits, rows begin..begin + count.
inline void masked_sums(const Args& a, int64_t lane, int64_t begin, int count, float* sums) {
  for (int i = 0; i < count; ++i) {
    const int64_t r = begin + i;
    const uint16_t* noise = a.noise + (lane * a.rows + r) * (a.n / 16);
    const float* gradient = a.gradient + r * a.n;
    cpu::F16 total = cpu::splat(0.0f);
    for (int j = 0; j < a.n; j += 16)
      total = total + cpu::where(noise[j / 16], cpu::load(gradient + j));
    sums[i] = cpu::sum(total) + (bit(noise, a.target[r]) ? 1.0f : 0.0f);
  }
}

template <class Lanes>
void run(const Args& a, const Exec& e) {
  float low[16];
  math::exp(Lanes(-a.s)).store(low);
  float high[16];
  math::exp(Lanes(a.s)).store(high);
  const Lanes base(low[0]), range(high[0] - low[0]);
  parallel_for(e.pool, a.lanes * ((a.rows + 15) / 16), 64, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t blocks = (a.rows + 15) / 16, lane = i / blocks, begin = i % blocks * 16;
      const int count = a.rows - begin < 16 ? int(a.rows - begin) : 16;
      float sums[16] = {}, logs[16];
      masked_sums(a, lane, begin, count, sums);
      math::log(fma(Lanes::load(sums), range, base)).store(logs);
      for (int j = 0; j < count; ++j) {
        const uint16_t* noise = a.noise + (lane * a.rows + begin + j) * (a.n / 16);
        a.credit[lane * a.rows + begin + j] =
            logs[j] - (bit(noise, a.target[begin + j]) ? a.s : -a.s);
      }
    }
  });
}

}  // namespace
}  // namespace nibble::logit_credit
