#include "nibble/ops/decode_fp8/kernel.h"

namespace nibble::decode_fp8 {

void avx2(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::decode_fp8
