#include "nibble/ops/hadamard16/kernel.h"

namespace nibble::hadamard16 {

void avx2(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::hadamard16
