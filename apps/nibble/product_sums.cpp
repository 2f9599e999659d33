#include "product_sums.h"

#include <algorithm>

#include "nibble/numerics/floats.h"

namespace nibble::app {
namespace {

// [tokens][rows] of sums in double of the decoded weights and x, [tokens][cols]. `decode` makes
// floats of rows [begin, end).
template <class Decode>
Doubles sums(int64_t rows, int64_t cols, Decode&& decode, const Doubles& x, Pool* pool) {
  constexpr int64_t kRows = 1024;  // decoded at a time; a multiple of 128
  const int64_t tokens = int64_t(x.size()) / cols;
  std::vector<float> decoded(size_t(std::min(rows, kRows) * cols));
  Doubles y(size_t(tokens * rows));
  for (int64_t first = 0; first < rows; first += kRows) {
    const int64_t count = std::min(rows - first, kRows);
    decode(first, first + count, decoded.data());
    parallel_for(pool, count, 16, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n)
        for (int64_t t = 0; t < tokens; ++t) {
          const float* row = &decoded[size_t(n * cols)];
          double sum = 0;
          for (int64_t k = 0; k < cols; ++k) sum += double(row[k]) * x[size_t(t * cols + k)];
          y[size_t(t * rows + first + n)] = sum;
        }
    });
  }
  return y;
}

}  // namespace

Doubles sums(const QuantisedWeight& w, const Doubles& x, const Machine& machine, Pool* pool) {
  return sums(
      w.rows(), w.cols(),
      [&](int64_t begin, int64_t end, float* to) { decode_rows(w, begin, end, machine, pool, to); },
      x, pool);
}

Doubles sums(const SourceTensor& w, const Doubles& x, Pool* pool) {
  RowReader reader(w);
  return sums(
      w.rows(), w.cols(),
      [&](int64_t begin, int64_t end, float* to) {
        load_floats(reader.rows(begin, end), 0, (end - begin) * w.cols(), to);
      },
      x, pool);
}

}  // namespace nibble::app
