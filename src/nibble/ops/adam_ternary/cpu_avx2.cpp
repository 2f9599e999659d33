#include "nibble/ops/adam_ternary/kernel.h"

namespace nibble::adam_ternary {

void avx2(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::adam_ternary
