// The roofs of this machine, measured in this process: what a variant's figures are shares of.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/op.h"

namespace nibble::harness {

struct Ceiling {
  std::string name;     // "dram_read", "vpdpbusd_zmm"; empty: there is none
  std::string unit;     // "GB/s" or "GOP/s"
  std::string pattern;  // of a read: the access pattern that was best
  double value = 0;
};

enum class MemoryLevel : uint8_t { l1, l2, l3, dram };
// The smallest level that holds `bytes` divided among so many cores with a quarter to spare.
MemoryLevel level_holding(int64_t bytes, int threads, const Machine&);

// Measured at the first call for (what, threads) and kept: the best of several short trials, since
// other work on the machine can only make a trial slower. `machine.isas` says which loops may run.
Ceiling read_ceiling(const Machine&, int threads, MemoryLevel);

// A copy within DRAM, in bytes read and written: the bound of an op that reads and writes each byte
// once. Every loop of this machine may make it, whatever the ISA of the variant that is timed.
Ceiling copy_ceiling(const Machine&, int threads);

// The fastest loop that uses no ISA beyond `allowed` and does this arithmetic. bf16 may also be
// widened to fp32, and so may fp16, for which there is no loop of its own. Nothing for `none`.
Ceiling compute_ceiling(const Machine&, int threads, IsaSet allowed, Arithmetic);

std::vector<Ceiling> all_ceilings(const Machine&, int threads);

}  // namespace nibble::harness
