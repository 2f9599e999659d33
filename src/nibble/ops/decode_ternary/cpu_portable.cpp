#include <algorithm>

#include "nibble/ops/decode_ternary/kernels.h"

namespace nibble::decode_ternary {

void portable(const Args& a, const Exec& e) {
  const int in_byte = ternaries_in_byte(a.packing);
  const int64_t row_bytes = ternary_row_bytes(a.packing, a.cols);
  float table[256][5];
  for (int byte = 0; byte < 256; ++byte)
    for (int j = 0; j < in_byte; ++j)
      table[byte][j] = float(ternary_at(a.packing, uint8_t(byte), j)) * *a.gamma;
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < a.cols; ++c)
        store_float(a.y, r * a.cols + c, table[a.codes[r * row_bytes + c / in_byte]][c % in_byte]);
  });
}

}  // namespace nibble::decode_ternary
