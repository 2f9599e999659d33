// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/decode_nvfp4/decode_nvfp4.h"

namespace nibble::decode_nvfp4 {

void portable(const Args&, const Exec&);

}  // namespace nibble::decode_nvfp4
