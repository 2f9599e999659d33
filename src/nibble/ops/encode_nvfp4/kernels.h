// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/encode_nvfp4/encode_nvfp4.h"

namespace nibble::encode_nvfp4 {

void portable(const Args&, const Exec&);

}  // namespace nibble::encode_nvfp4
