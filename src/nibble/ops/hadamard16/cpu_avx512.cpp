#include "nibble/ops/hadamard16/kernel.h"

namespace nibble::hadamard16 {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::hadamard16
