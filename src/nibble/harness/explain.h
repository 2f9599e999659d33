// Why an op runs the variant that it runs: what selection saw.
#pragma once
#include <string>
#include <vector>

#include "nibble/harness/op_view.h"

namespace nibble::harness {

struct Candidate {
  std::string variant;
  std::string needs;  // ISAs
  Level level = Level::none;
  double cost_us = 0;   // predicted, on one thread
  std::string why_not;  // empty: this one is chosen
};

struct Choice {
  std::string op, case_name;
  int chosen = -1;  // index into candidates; -1: none can run
  std::vector<Candidate> candidates;
  // The chosen one and why, or why there is none; one line.
  std::string sentence() const;
};

Choice explain(const OpView&, int case_index, const Machine&, std::span<const Proof>);

std::string to_json(const Choice&);

}  // namespace nibble::harness
