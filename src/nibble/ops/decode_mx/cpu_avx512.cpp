#include "nibble/ops/decode_mx/kernel.h"

namespace nibble::decode_mx {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::decode_mx
