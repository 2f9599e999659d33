#include "nibble/ops/low_rank_noise/kernel.h"

namespace nibble::low_rank_noise {

void portable(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::low_rank_noise
