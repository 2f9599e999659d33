// Registers of a thread, which ptxas hands out and PTX tells of in bounds alone.
#pragma once
#include <cstdint>

#include "machine.h"

namespace ptxrun {

inline constexpr uint32_t kRegistersPerSm = 65536;
inline constexpr uint32_t kMaxRegisters = 255;  // a thread

// The most that the function's bounds leave a thread: .maxnreg, or as many as .minnctapersm blocks
// (1 if it is not given) of .maxntid or .reqntid threads have room for. 0: there are no bounds.
uint32_t register_bound(const Function& function);

// 32-bit registers that hold values still to be read, at the place of the function where they are
// most. Values that are made again for nothing (constants, parameters) and predicates are free.
uint32_t live_registers(const Function& function);

// What is counted of a kernel in launches and occupancy: as many as it has live somewhere (or a
// function it calls), within its bounds; with setmaxnreg, which needs the number known, the bound.
uint32_t registers_of(const Kernel& kernel);

// Registers a lane that no warp of the block holds: what setmaxnreg.inc can have.
int64_t free_registers(const Block& block);

// As many as are taken for each thread of a warp: registers are given to warps by 256.
inline uint32_t allocated_registers(uint32_t registers) { return (registers + 7) / 8 * 8; }

}  // namespace ptxrun
