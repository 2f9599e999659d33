#include "nibble/ops/decode_nvfp4/kernel.h"

namespace nibble::decode_nvfp4 {

void avx512_stream(const Args& a, const Exec& e) { run_as<true, float>(a, e); }

}  // namespace nibble::decode_nvfp4
