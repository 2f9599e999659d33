#include "nibble/base/random.h"
#include "nibble/ops/noise_bits/kernels.h"

namespace nibble::noise_bits {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.words / 4, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto block =
          philox4x32({uint32_t(i), a.counter[0], a.counter[1], a.counter[2]}, {a.key[0], a.key[1]});
      for (int j = 0; j < 4; ++j) a.out[4 * i + j] = block[j];
    }
  });
}

}  // namespace nibble::noise_bits
