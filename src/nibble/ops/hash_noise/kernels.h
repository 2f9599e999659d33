// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/hash_noise/hash_noise.h"

namespace nibble::hash_noise {

inline constexpr int64_t kPerTask = 1 << 14;

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);

}  // namespace nibble::hash_noise
