#include "nibble/cpu/ternary_hash_avx2.h"
#include "nibble/ops/hash_noise/kernels.h"

namespace nibble::hash_noise {

void avx2(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.n, kPerTask, [&](int64_t begin, int64_t end) {
    cpu::fill_ternary_noise(a.seed, a.first + uint64_t(begin), end - begin, a.terms, a.out + begin);
  });
}

}  // namespace nibble::hash_noise
