// Tensor memory: 128 lanes of 512 columns of 32 bits, a block's own. An address is a column in bits
// 0 to 15 and a lane in bits 16 and up; columns are allocated before use.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bind.h"
#include "check.h"
#include "machine.h"

namespace ptxrun {

inline constexpr uint32_t kTensorLanes = 128, kTensorColumns = 512;

struct TensorMemory {
  std::vector<uint32_t> cells;                   // [lane][column]
  std::array<uint16_t, kTensorColumns> owner{};  // first column of the allocation + 1; 0: free
  bool relinquished = false;
  uint32_t& at(uint32_t lane, uint32_t column) { return cells[lane * kTensorColumns + column]; }
};
TensorMemory& tensor_memory_of(Block& block);

struct TensorAddress {
  uint32_t lane, column;
};
inline TensorAddress tensor_address(uint32_t a) { return {a >> 16 & 127, a & 0xffff}; }

// Throws Fault unless `columns` from `column` on are allocated.
void check_columns(Block& block, uint32_t column, uint32_t columns);
// Tells the checker of lanes [first, first + lanes) of these columns.
void touch_tensor(Warp& warp, const Op& op, Agent agent, Block& block, uint32_t first,
                  uint32_t lanes, uint32_t column, uint32_t columns, bool write);

// Blocks that an instruction of .cta_group::1 or 2 works on; rank even first.
std::vector<Block*> tensor_group(Warp& warp, bool pair);
// Tensor-core work of one warp runs in order.
void issue_tensor(Warp& warp, const Op& op, int lane, std::function<void()> run);
uint64_t tensor_queue(const Warp& warp);

void bind_tensor_mma(Binder& binder, Form& form, Op& op, bool pair);

}  // namespace ptxrun
