#include <vector>

#include "nibble/ops/embedding_quantise/embedding_quantise.h"

namespace nibble::embedding_quantise {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.vocabulary < 1)
    return Status::error("embedding_quantise: rows and vocabulary must be positive, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.vocabulary));
  if (!readable(a.table.type))
    return Status::error("embedding_quantise: the table must be f32, bf16 or fp16");
  if (!a.ids || !a.table.data)
    return Status::error("embedding_quantise: ids and table must not be null");
  return encode_rows::check_encoded(name, a.cols, a.to);
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("ids", a.ids, a.rows);
  visit(v, "table", a.table, a.vocabulary * a.cols);
  encode_rows::visit(v, a.to, a.rows, a.cols);
}

void Op::reference(const Args& a) {
  std::vector<float> x(size_t(a.rows * a.cols));
  for (int64_t r = 0; r < a.rows; ++r)
    load_floats(a.table, a.ids[r] * a.cols, a.cols, &x[size_t(r * a.cols)]);
  encode_rows::Op::reference({.rows = a.rows, .cols = a.cols, .x = x.data(), .to = a.to});
}

}  // namespace nibble::embedding_quantise
