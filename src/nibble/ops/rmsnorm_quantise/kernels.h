// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/rmsnorm_quantise/rmsnorm_quantise.h"

namespace nibble::rmsnorm_quantise {

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

}  // namespace nibble::rmsnorm_quantise
