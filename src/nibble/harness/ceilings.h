// The roofs of this machine, measured in this process: what a variant's figures are shares of.
#pragma once
#include <functional>
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

// A roof that can be measured again beside an op: call() does `amount` thousand bytes or operations
// in about half a millisecond, so amount / microseconds is in the ceiling's unit.
struct Roof {
  Ceiling ceiling;  // the best of several trials, when it was first asked for
  double amount = 0;
  std::function<void()> call;
};

enum class MemoryLevel : uint8_t { l1, l2, l3, dram, dram_4k };  // the last: in pages of 4 KiB
// The smallest level that holds `bytes` divided among so many cores with a quarter to spare.
MemoryLevel level_holding(int64_t bytes, int threads, const Machine&);

// Measured at the first call for (what, threads) and kept: the best of several short trials, since
// other work on the machine can only make a trial slower. `machine.isas` says which loops may run.
const Roof& read_roof(const Machine&, int threads, MemoryLevel);

// A copy within DRAM, in bytes read and written: the bound of an op that reads and writes each byte
// once. Every loop of this machine may make it, whatever the ISA of the variant that is timed.
const Roof& copy_roof(const Machine&, int threads);

// The fastest loop that uses no ISA beyond `allowed` and does this arithmetic. bf16 may also be
// widened to fp32, and so may fp16, for which there is no loop of its own. Nothing for `none`.
const Roof& compute_roof(const Machine&, int threads, IsaSet allowed, Arithmetic);

// By its name, as `nibble bench --ceilings` prints it; null if there is none, or the machine cannot
// run it.
const Roof* named_roof(const Machine&, int threads, const std::string& name);
bool is_roof(const std::string& name);  // on any machine of the architecture that this build is for
bool can_measure(const Machine&, const std::string& name);

std::vector<Ceiling> all_ceilings(const Machine&, int threads);

}  // namespace nibble::harness
