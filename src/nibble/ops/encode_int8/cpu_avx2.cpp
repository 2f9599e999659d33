#include "nibble/ops/encode_int8/kernel.h"

namespace nibble::encode_int8 {

void avx2(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::encode_int8
