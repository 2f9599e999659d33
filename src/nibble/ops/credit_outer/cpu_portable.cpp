#include "nibble/ops/credit_outer/kernels.h"

namespace nibble::credit_outer {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.k, 64, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k)
      for (int64_t t = 0; t < a.tokens; ++t) {
        const int x = a.x[t * a.ldx + k];
        const int8_t* z = a.z + t * a.n;
        int32_t* g = a.g + k * a.n;
        for (int n = 0; n < a.n; n += 16)
          for (int j = 0; j < 16; ++j) g[n + j] += x * z[n + j];
      }
  });
}

}  // namespace nibble::credit_outer
