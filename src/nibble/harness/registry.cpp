#include "nibble/harness/op_view.h"

namespace nibble::harness {

const OpView* find_op(std::string_view name) {
  for (const OpView* op : all_ops())
    if (op->name() == name) return op;
  return nullptr;
}

}  // namespace nibble::harness
