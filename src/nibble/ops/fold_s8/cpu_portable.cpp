#include <cstring>

#include "nibble/ops/fold_s8/kernels.h"

namespace nibble::fold_s8 {

void portable(const Args& a, const Exec& e) {
  using namespace gemm_s8;
  parallel_for(e.pool, padded_n(a.n) / kPanel, kPanelsPerTask, [&](int64_t begin, int64_t end) {
    std::memset(a.packed + begin * panel_bytes(a.k), 0, size_t((end - begin) * panel_bytes(a.k)));
    auto* sums = reinterpret_cast<int32_t*>(a.packed + sums_offset(a.n, a.k));
    for (int64_t row = begin * kPanel; row < end * kPanel; ++row) {
      int32_t sum = 0;
      for (int k = 0; row < a.n && k < a.k; ++k) {
        const int64_t i = row * a.k + k;
        const int value = a.w[i] * (1 << a.shift) + (a.sign ? a.sign * a.e[i] : 0);
        a.packed[slot(int(row), k, a.k)] = int8_t(value);
        sum += value;
      }
      sums[row] = 128 * sum;
    }
  });
}

}  // namespace nibble::fold_s8
