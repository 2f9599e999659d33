#include <cmath>
#include <cstring>

#include "nibble/numerics/s8.h"
#include "nibble/ops/embedding_s8/kernels.h"

namespace nibble::embedding_s8 {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.tokens, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t row = int64_t(a.token[t]) * a.dim;
      int8_t* out = a.out + t * a.dim;
      if (a.has_noise)
        for (int j = 0; j < a.dim; ++j)
          out[j] = to_s8(std::fma(a.noise_scale, float(a.noise[row + j]), float(a.table[row + j])));
      else
        std::memcpy(out, a.table + row, size_t(a.dim));
    }
  });
}

}  // namespace nibble::embedding_s8
