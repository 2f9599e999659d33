// Registers that asynchronous instructions use after their issue: wgmma, tcgen05.ld.
//
// Until somebody waits, results must not be touched and sources not be written; and registers that
// ordinary instructions wrote must be fenced (wgmma.fence) before a wgmma uses them. Kernels
// without such instructions pay nothing.
#pragma once
#include <cstdint>
#include <vector>

#include "machine.h"

namespace ptxrun {

enum class Use : uint8_t { result = 1, source = 2, unfenced = 4 };

struct Flight {
  std::vector<uint8_t> use;       // of each 16 bytes of the register file, of enum Use
  std::vector<uint32_t> touched;  // indices of `use` that are unfenced
};

// What an ordinary instruction does to registers; told before it is executed.
void track_registers(Warp& warp, const Op& op, uint32_t lanes);
void mark(Warp& warp, const Slot& slot, Use use);
void unmark(Warp& warp, const Slot& slot, Use use);
bool is_marked(Warp& warp, const Slot& slot, Use use);
void forget_unfenced(Warp& warp);

}  // namespace ptxrun
