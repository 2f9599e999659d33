#include "nibble/ops/hash_noise/kernels.h"

namespace nibble::hash_noise {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.n, kPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      a.out[i] = int8_t(ternary_noise(a.seed, a.first + uint64_t(i), a.terms));
  });
}

}  // namespace nibble::hash_noise
