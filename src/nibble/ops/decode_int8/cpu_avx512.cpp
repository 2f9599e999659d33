#include "nibble/ops/decode_int8/kernel.h"

namespace nibble::decode_int8 {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::decode_int8
