#include "tensor_memory.h"

#include "async.h"

namespace ptxrun {

TensorMemory& tensor_memory_of(Block& block) {
  if (!block.tensor) {
    block.tensor = std::make_shared<TensorMemory>();
    block.tensor->cells.assign(kTensorLanes * kTensorColumns, 0xffffffffu);
  }
  return *block.tensor;
}

void check_columns(Block& block, uint32_t column, uint32_t columns) {
  TensorMemory& t = tensor_memory_of(block);
  for (uint32_t c = column; c < column + columns; ++c)
    if (c >= kTensorColumns || t.owner[c] == 0)
      throw Fault{FaultKind::out_of_bounds,
                  "columns " + std::to_string(column) + " to " +
                      std::to_string(column + columns - 1) + " of tensor memory: column " +
                      std::to_string(c) + " is not allocated",
                  0};
}

void touch_tensor(Warp& w, const Op& op, Agent agent, Block& block, uint32_t first, uint32_t lanes,
                  uint32_t column, uint32_t columns, bool write) {
  check_columns(block, column, columns);
  if (Checker* c = w.block->launch->checker.get())
    for (uint32_t q = first / 32; q <= (first + lanes - 1) / 32; ++q)
      c->tensor_access(w, op, agent, block, q, column, columns, write);
}

std::vector<Block*> tensor_group(Warp& w, bool pair) {
  if (!pair) return {w.block};
  const auto& blocks = w.block->cluster->blocks;
  const uint32_t even = w.block->rank & ~1u;
  if (even + 1 >= blocks.size())
    throw Fault{FaultKind::misuse, ".cta_group::2 in a block that has no peer", 0};
  return {blocks[even].get(), blocks[even + 1].get()};
}

uint64_t tensor_queue(const Warp& w) { return uint64_t(reinterpret_cast<uintptr_t>(&w)) + kLanes; }

void issue_tensor(Warp& w, const Op& op, int lane, std::function<void()> run) {
  issue(w, {.by = &w,
            .op = &op,
            .lane = uint32_t(lane),
            .queue = tensor_queue(w),
            .run = std::move(run)});
}

}  // namespace ptxrun
