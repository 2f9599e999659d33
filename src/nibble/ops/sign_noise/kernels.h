// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/sign_noise/sign_noise.h"

namespace nibble::sign_noise {

// Rows of a task, whatever the number of threads.
inline constexpr int64_t kRowsPerTask = 64;

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512_vnni(const Args&, const Exec&);

}  // namespace nibble::sign_noise
