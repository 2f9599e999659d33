// Private to this folder: one row by the encoders' variant of that name.
#pragma once
#include "nibble/ops/embedding_quantise/kernels.h"

namespace nibble::embedding_quantise {

void encode_row(std::string_view variant, const Args&, int64_t r);

}  // namespace nibble::embedding_quantise
