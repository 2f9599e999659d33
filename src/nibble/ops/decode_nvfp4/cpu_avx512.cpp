#include "nibble/ops/decode_nvfp4/kernel.h"

namespace nibble::decode_nvfp4 {

void avx512(const Args& a, const Exec& e) { run<false>(a, e); }

}  // namespace nibble::decode_nvfp4
