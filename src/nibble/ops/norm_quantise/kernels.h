// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include <cmath>

#include "nibble/base/hd.h"
#include "nibble/ops/norm_quantise/norm_quantise.h"

namespace nibble::norm_quantise {
namespace {

// What s is multiplied by, from the mean of what the norm adds up. A NaN is none of the smaller.
[[maybe_unused]] NIBBLE_HD inline float factor_of(const Args& a, float mean) {
  return 1 / (a.norm == Norm::rms ? sqrtf(mean + a.eps) : mean < a.eps ? a.eps : mean);
}

}  // namespace

// Encodes row r from its floats, whose greatest magnitude is amax, by the encoders' variant of that
// name.
void encode_row(std::string_view variant, const Args&, int64_t r, const float* y, float amax);

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);
void sm89(const Args&, const Exec&);
void sm100a(const Args&, const Exec&);
void sm120f(const Args&, const Exec&);

}  // namespace nibble::norm_quantise
