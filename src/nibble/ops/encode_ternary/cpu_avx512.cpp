#include "nibble/ops/encode_ternary/kernel.h"

namespace nibble::encode_ternary {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::encode_ternary
