#include "nibble/ops/toy_op/kernels.h"

namespace nibble::toy_op {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.n, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) a.y[i] = 3 * a.x[i] + 1;
  });
}

}  // namespace nibble::toy_op
