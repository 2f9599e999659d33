// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/fold_s8/fold_s8.h"

namespace nibble::fold_s8 {

inline constexpr int64_t kPanelsPerTask = 4;

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::fold_s8
