// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include <algorithm>
#include <cmath>

#include "nibble/ops/sign_credit/sign_credit.h"

namespace nibble::sign_credit {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

namespace {

// Perturbations whose codes, at most 127 where a bit is set, fit 16 bits together.
constexpr int kAtOnce = 256;

// Blocks of a task, whatever the number of threads.
constexpr int64_t kBlocksPerTask = 64;

struct Codes {
  int16_t z[kAtOnce];
  int count = 0;
  int32_t sum = 0;
};

// The codes of perturbations first .. first + kAtOnce - 1 and, once, their magnitude.
[[maybe_unused]] inline Codes codes_of(const Args& a, int first) {
  Codes c;
  c.count = std::min(kAtOnce, a.perturbations - first);
  const float scale = std::ldexp(1.0f, -a.shift);
  int64_t magnitude = 0;
  for (int p = 0; p < c.count; ++p) {
    const float code = std::clamp(float(a.credit[first + p]) * scale, -127.0f, 127.0f);
    c.z[p] = int16_t(std::lrintf(code));
    c.sum += c.z[p], magnitude += c.z[p] < 0 ? -c.z[p] : c.z[p];
  }
  a.magnitude[0] += magnitude * a.n;
  return c;
}

// Calls blocks(codes, first perturbation, begin, end) for all blocks of the signs.
template <class F>
inline void for_blocks(const Args& a, const Exec& e, F&& blocks) {
  for (int first = 0; first < a.perturbations; first += kAtOnce) {
    const Codes codes = codes_of(a, first);
    parallel_for(e.pool, sign_words(a.k, a.n) / 4, kBlocksPerTask,
                 [&](int64_t begin, int64_t end) { blocks(codes, first, begin, end); });
  }
}

// Where the gradient of a block's first element stands, and how many of its columns there are.
struct Place {
  int32_t* g;
  int columns;
};
[[maybe_unused]] inline Place place_of(const Args& a, int64_t block) {
  const int64_t per_panel = a.k / kSignBlock;
  const int64_t column = block / per_panel * kSignPanel, row = block % per_panel * kSignBlock;
  return {a.g + row * a.n + column, int(std::min<int64_t>(kSignPanel, a.columns - column))};
}

}  // namespace
}  // namespace nibble::sign_credit
