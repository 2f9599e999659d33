// Suites: lists of what to time together, as JSON.
#pragma once
#include <string>
#include <vector>

#include "nibble/harness/bench.h"

namespace nibble::app {

struct SuiteEntry {
  const harness::OpView* op = nullptr;
  std::string id;                 // for people and scripts that look for it
  std::string case_name;          // empty: every bench case
  std::vector<int> threads = {};  // one run for each; empty: as --threads says
  std::string isa, variant, l2_case;
  std::vector<std::string> ceilings;
  bool cold = false;
};

struct Suite {
  std::vector<SuiteEntry> entries;
  std::vector<std::string> missing;  // entries of ops or cases that this build lacks, and why
};

// {"entries": [{"op": "gemm_s8", "case": "bench_m1024_n256_k256"}, ...]}; without a case, all. An
// entry may have
//   "id": NAME, "threads": [1, 2], "cold": true, "isa": "avx2", "variant": NAME,
//   "ceiling": NAME   what its share is of, by a name of `nibble bench --ceilings`; of several,
//                     [NAME, ...], the first for which the entry's machine has the instructions
//   "l2_case": CASE   or of what the same variant reaches there, if that is less: BenchOptions
//   "bound": "copy"   short for "ceiling": "dram_copy", "cold": true
// `name` is a file, or the name of one in bench/suites.
Suite read_suite(const std::string& name);

// The options of an entry, on top of those of the command line.
harness::BenchOptions options_of(const SuiteEntry&, harness::BenchOptions);

}  // namespace nibble::app
