#include "nibble/ops/embedding_quantise/kernels.h"

namespace nibble::embedding_quantise {

void run(std::string_view variant, const Args& a, const Exec& e) {
  const int64_t row_bytes = a.cols * bytes_of(a.table.type);
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const auto* row = static_cast<const uint8_t*>(a.table.data) + a.ids[r] * row_bytes;
      encode_rows::encode(variant, {.rows = 1,
                                    .cols = a.cols,
                                    .x = {a.table.type, row},
                                    .to = encode_rows::from_row(a.to, r, a.cols)});
    }
  });
}

}  // namespace nibble::embedding_quantise
