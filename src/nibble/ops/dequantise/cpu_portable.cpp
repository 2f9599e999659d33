#include "nibble/ops/dequantise/kernel.h"

namespace nibble::dequantise {

void portable(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::dequantise
