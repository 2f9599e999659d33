// How a warp advances.
#pragma once
#include "machine.h"

namespace ptxrun {

// Fills constants and special registers, all lanes at the kernel's start.
void start_warp(Warp& warp, Block& block, int index);
// Executes up to `budget` instructions, until nothing of the warp can go on, or until an
// instruction asked to wait for others.
void run_slice(Warp& warp, uint64_t budget);
bool can_run(const Warp& warp);
// Wakes those whose barrier is complete; called when somebody arrived or exited.
void complete_barriers(Block& block);
// "warp 3 lanes 0-31 wait at bar.sync 0 (a.cu:12); ...": for a deadlock.
std::string who_waits(const Block& block);
std::string lanes_text(uint32_t mask);
std::string place_of(const Op& op, const Kernel& kernel);

}  // namespace ptxrun
