// Times variants, alone or one against another. GREEN before FAST: nothing is timed that has not
// agreed with the reference, and the last timed output must agree again.
#pragma once
#include <string>
#include <vector>

#include "nibble/harness/ceilings.h"
#include "nibble/harness/op_view.h"
#include "nibble/harness/sampler.h"
#include "nibble/harness/statistics.h"
#include "nibble/harness/timed_case.h"

namespace nibble::harness {

struct BenchOptions {
  Machine machine;                 // which variants may run
  std::vector<int> threads = {1};  // one result for each
  Layout layout;                   // of the buffers: hot or cold, large pages or small
  std::string variant;             // empty: the one that would be chosen; "all"
  std::string case_name;           // empty: every bench case
  bool ceilings = true;            // measure roofs and shares
  std::string ceiling;             // the share is of this roof, whatever else binds
  // With a `ceiling`: a case of the same op whose data fit the second-level cache. The share is of
  // the lesser of the ceiling and what the same variant reaches there on one thread, times threads.
  std::string l2_case;
  Sampling sampling;
  Clock now = steady_now_us;
};

struct BenchResult {
  std::string id;  // in a suite, if it names its entries
  std::string op, variant, isa, case_name;
  int threads = 1;
  double median_us = 0, p10_us = 0, p90_us = 0;  // of one call
  int reps = 0;                                  // samples
  double gb_per_s = 0, gop_per_s = 0;            // of the op's least bytes and operations
  // The roof asked for, or else the one that binds: the one, of bandwidth and compute, of which the
  // larger share was reached. Bandwidth is that of the level of memory that the footprint fits,
  // DRAM if cold. Its value is the median of samples taken between those of the variant.
  Ceiling ceiling;
  std::vector<Ceiling> others;  // that were measured beside it and bind less
  double share = 0;
  int64_t footprint_bytes = 0;
  bool hot = false;   // one copy of the buffers, in a third of the last cache at most
  bool cold = false;  // copies in turn, as Layout says; neither: one copy, larger than that
  std::string pages;  // that the buffers stood in: "2 MiB", "4 KiB", "mixed" or "unknown"
  double rel_l2 = 0;
  std::string cpu_model, source_hash;
};

struct BenchReport {
  std::vector<BenchResult> results;
  std::vector<std::string> refused;  // was wrong, before or after timing, or never verified
  std::vector<std::string> not_run;  // cannot run here, and why
};

BenchReport bench(const OpView&, const BenchOptions&);

std::string_view memory_name(bool hot, bool cold);  // "hot", "cold" or "one copy"
// Exactly the documented keys, on one line.
std::string to_json(const BenchResult&);
std::string to_json(const Ceiling&, int threads);
// A table for people.
std::string to_table(const std::vector<BenchResult>&);

struct AbResult {
  std::string op, case_name, baseline, candidate;
  int threads = 1, rounds = 0;
  std::string pages;
  double baseline_us = 0, candidate_us = 0;  // medians
  Ratio ratio;       // baseline / candidate: above 1, the candidate is faster
  double noise = 0;  // the baseline against itself, in the same rounds
  Verdict verdict = Verdict::undecided;
  bool hot = false, cold = false;  // as a BenchResult's
  std::string cpu_model, baseline_hash, candidate_hash;
};

struct AbReport {
  std::vector<AbResult> results;  // one for each case
  std::string refused;            // empty if both could be timed
};

// Interleaved in one run: every round takes a sample of the baseline, of the candidate and of the
// baseline again.
// On the first of `threads`.
AbReport compare_variants(const OpView&, const std::string& baseline, const std::string& candidate,
                          const BenchOptions&);
std::string to_json(const AbResult&);
std::string to_sentence(const AbResult&);

// For bench.cpp of an op: every variant and bench case, hot, on one thread and on all. Takes no
// arguments, and says so if it is given some.
int bench_main(std::string_view op, int argc = 1, const char* const* argv = nullptr);

}  // namespace nibble::harness
