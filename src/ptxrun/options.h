// How the executor runs. The ptxrun command writes these into the environment variable
// PTXRUN_OPTIONS, the only way into a process that somebody else's program owns.
#pragma once
#include <cstdint>
#include <string>

namespace ptxrun {

enum class Schedule : uint8_t { eager, lazy, random };

struct Options {
  std::string device = "sm_90a";
  int devices = 1;  // of that kind
  Schedule schedule = Schedule::eager;
  uint64_t seed = 1;
  uint64_t slice = 4096;          // warp instructions before another warp's turn
  uint64_t watchdog = 200000000;  // warp instructions without progress that count as a deadlock
  int resident = 4;               // blocks of an ordinary launch that run side by side
  int threads = 0;                // of the host, for blocks that do not communicate; 0: processors
  bool check_race = true, check_init = true;
  bool short_accumulators = false;  // of FP8 products in wgmma: matrix.h
  std::string stats;                // JSON file for the counters; empty: none
  int ledger_fd = -1;               // where the ptxrun command learns what happened; -1: nowhere
};

// "schedule=random:7,slice=1,check=race+init": empty if understood, else a sentence that says what
// is wrong and what is allowed.
std::string read_options(const std::string& text, Options& options);
std::string write_options(const Options& options);

}  // namespace ptxrun
