#include "nibble/ops/embedding_quantise/kernels.h"

namespace nibble::embedding_quantise {

void portable(const Args& a, const Exec& e) { run("portable", a, e); }

}  // namespace nibble::embedding_quantise
