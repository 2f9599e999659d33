#include "nibble/ops/decode_ternary/kernel.h"

namespace nibble::decode_ternary {

void avx2(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::decode_ternary
