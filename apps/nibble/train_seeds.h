// nibble train --seeds: one run for each seed, in a folder of their own, and what they amount to.
//
//   trial.json      what is compared (train/trial.h); its seeds are there when all runs are done
//   seed-N/         the run of seed N
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "nibble/train/loop.h"
#include "nibble/train/trial.h"

namespace nibble::app {

// Trains a run, or goes on with it.
using TrainOne = std::function<train::Outcome(train::Run&)>;

// Makes the folder with a run of `config` for every seed, untrained.
void make_seeds(const std::string& folder, train::RunConfig config,
                const std::vector<uint64_t>& seeds, const train::Trial&);
bool is_seeds(const std::string& folder);
std::vector<std::string> runs_of_seeds(const std::string& folder);  // by ascending seed

// Makes the ledger unless it is there; throws if trials cannot be appended to it.
void require_ledger(const std::string& ledger);

// Trains what is not yet trained, prints what each seed and all of them reach, and appends the
// trial to `ledger` unless that is empty or has it. The last outcome: perhaps interrupted.
train::Outcome train_seeds(const std::string& folder, const TrainOne&, const std::string& ledger);

}  // namespace nibble::app
