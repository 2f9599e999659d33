// A trial: one recipe under one budget with several seeds. A search is a list of them, one JSON
// object a line, and the table of a search is made from the list alone.
//
// Settings are chosen by the mean over seeds on the validation part. The held-out part is what is
// reported of the choice; it decides nothing. A claim needs kClaimSeeds seeds on both sides and a
// gap that their spread does not explain.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nibble/train/text.h"

namespace nibble::train {

constexpr int kClaimSeeds = 3;

struct SeedResult {
  uint64_t seed = 0;
  int64_t steps = 0, lane_tokens = 0;
  double seconds = 0;
  double validation_nats = -1;  // of the whole part; -1: there is none
  double heldout_nats = 0;
  double carried_nats = -1;  // held-out in long contexts, where training carries them; -1: not
};

struct Trial {
  std::string recipe;            // its name
  std::vector<std::string> set;  // key=value over it
  std::string label;             // train/recipe.h
  std::vector<TextFile> data, valid;
  int64_t steps = 0;   // the budget: in steps
  double seconds = 0;  // or in seconds
  // Updates a second that `threads` threads make where nothing else runs; seconds were kept as so
  // many updates. 0: they were kept by the clock.
  double rate = 0;
  double target_nats = 0;
  double validation_share = 0;
  std::string machine, commit, date;  // commit: empty if not told
  int threads = 0;
  std::vector<SeedResult> seeds;  // empty: not finished yet
};

std::string to_json(const Trial&);  // one line
Trial parse_trial(const std::string& json, const std::string& source);
bool is_trial(const std::string& json);  // whether the line of a ledger is meant to be one

struct Spread {
  double mean = 0, deviation = 0;  // of a sample; 0 for one value
};
Spread spread(std::span<const double>);

// Trials with the same texts, budget, machine and threads under one heading, best validation first.
// Versions of the program make unequal numbers of updates in equal seconds: their trials are
// compared only where common work, in one of each or over others, took the same time to a tenth.
std::string trial_table(std::span<const Trial>, bool markdown);

}  // namespace nibble::train
