#include "nibble/ops/sign_credit/kernels.h"

namespace nibble::sign_credit {

void portable(const Args& a, const Exec& e) {
  const int64_t words = sign_words(a.k, a.n);
  for_blocks(a, e, [&](const Codes& codes, int first, int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      int32_t sums[kSignPanel * kSignBlock] = {};
      for (int p = 0; p < codes.count; ++p) {
        const uint16_t* bits = a.e + (first + p) * words + block * 4;
        for (int i = 0; i < 64; ++i) sums[i] += codes.z[p] & -(bits[i / 16] >> i % 16 & 1);
      }
      const Place to = place_of(a, block);
      for (int i = 0; i < kSignBlock; ++i)
        for (int j = 0; j < to.columns; ++j)
          to.g[int64_t(i) * a.n + j] += 2 * sums[j * kSignBlock + i] - codes.sum;
    }
  });
}

}  // namespace nibble::sign_credit
