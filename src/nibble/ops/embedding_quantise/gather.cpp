#include "nibble/ops/embedding_quantise/gather.h"

namespace nibble::embedding_quantise {
namespace {

const uint8_t* row_of(const Args& a, int64_t r) {
  return static_cast<const uint8_t*>(a.table.data) + a.ids[r] * a.cols * bytes_of(a.table.type);
}

}  // namespace

void encode_row(std::string_view variant, const Args& a, int64_t r) {
  encode_rows::encode(variant, {.rows = 1,
                                .cols = a.cols,
                                .x = {a.table.type, row_of(a, r)},
                                .to = encode_rows::from_row(a.to, r, a.cols)});
}

void run(std::string_view variant, const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      // Rows are anywhere, so that no processor asks for the next one by itself.
      if (r + 1 < end)
        for (int64_t i = 0; i < a.cols * bytes_of(a.table.type); i += 64)
          __builtin_prefetch(row_of(a, r + 1) + i);
      encode_row(variant, a, r);
    }
  });
}

}  // namespace nibble::embedding_quantise
