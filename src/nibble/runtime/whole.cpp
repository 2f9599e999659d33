#include "nibble/runtime/whole.h"

#include <algorithm>

#include "nibble/numerics/dense_panel.h"
#include "nibble/runtime/error.h"

namespace nibble {
namespace {

template <class T>
Buffer<std::byte> packed(const SourceTensor& t, Pool* pool) {
  constexpr DensePanel layout = kDensePanelOf<T>;
  const int64_t rows = t.rows(), cols = t.cols();
  Buffer<std::byte> to(layout.elements(rows, cols) * int64_t(sizeof(T)));
  parallel_for(pool, layout.panels(rows), 1, [&](int64_t panel, int64_t) {
    const int64_t first = panel * kDensePanel, end = std::min(first + kDensePanel, rows);
    RowReader reader(t);
    pack_dense(static_cast<const T*>(reader.rows(first, end).data), cols, end - first, cols,
               reinterpret_cast<T*>(to.data()) + panel * layout.panel_elements(cols));
  });
  return to;
}

}  // namespace

WholeWeight pack_whole(const SourceTensor& t, Pool* pool) {
  if (t.blocks || !t.is_matrix_of_floats())
    throw Error("tensor " + t.copy.name + ": no op multiplies by " + std::string(t.format) +
                " of " + std::to_string(t.copy.shape.size()) + " dimensions");
  WholeWeight w{.name = t.copy.name, .type = t.copy.type, .rows = t.rows(), .cols = t.cols()};
  w.panels = w.type == DType::f32    ? packed<float>(t, pool)
             : w.type == DType::bf16 ? packed<bf16>(t, pool)
                                     : packed<fp16>(t, pool);
  return w;
}

}  // namespace nibble
