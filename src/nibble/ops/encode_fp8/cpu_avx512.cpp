#include "nibble/ops/encode_fp8/kernel.h"

namespace nibble::encode_fp8 {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::encode_fp8
