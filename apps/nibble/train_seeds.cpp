#include "train_seeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "console.h"
#include "nibble/runtime/error.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

std::string trial_path(const std::string& folder) { return folder + "/trial.json"; }

void append_once(const std::string& ledger, const std::string& line) {
  std::error_code none;
  const std::string lines = fs::exists(ledger, none) ? "\n" + read_file(ledger) : "";
  if (lines.find("\n" + line + "\n") != std::string::npos) return;
  train::append_file(ledger, line + "\n");
}

void print_spread(const char* what, const std::vector<double>& nats) {
  const train::Spread s = train::spread(nats);
  tell(stdout, "{} {:.4f} +- {:.4f} nats/byte: mean and standard deviation of {} seed{}\n", what,
       s.mean, s.deviation, nats.size(), nats.size() == 1 ? "" : "s");
}

}  // namespace

void require_ledger(const std::string& ledger) {
  std::error_code none;
  if (fs::exists(ledger, none)) read_file(ledger);
  train::append_file(ledger, "");
}

std::vector<std::string> runs_of_seeds(const std::string& folder) {
  std::vector<std::pair<uint64_t, std::string>> runs;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().rfind("seed-", 0) == 0)
      runs.push_back(
          {train::Run::open(entry.path().string()).config().seed, entry.path().string()});
  std::sort(runs.begin(), runs.end());
  std::vector<std::string> paths;
  for (auto& [seed, path] : runs) paths.push_back(std::move(path));
  return paths;
}

bool is_seeds(const std::string& folder) {
  std::error_code none;
  return fs::is_regular_file(trial_path(folder), none);
}

void make_seeds(const std::string& folder, train::RunConfig config,
                const std::vector<uint64_t>& seeds, const train::Trial& trial) {
  std::error_code error;
  if (is_seeds(folder))
    throw Error(
        fmt::format("'{}' holds a trial already: resume it with --resume, or choose "
                    "another name",
                    folder));
  if (fs::exists(folder, error) && !fs::is_empty(folder, error))
    throw Error(fmt::format("'{}' exists: a new or an empty directory is needed", folder));
  const std::string description = train::to_json(trial) + "\n";
  for (const uint64_t seed : seeds) {
    config.seed = seed;
    train::Run::create(fmt::format("{}/seed-{}", folder, seed), config);
  }
  write_file(trial_path(folder), description);
}

train::Outcome train_seeds(const std::string& folder, const TrainOne& train_one,
                           const std::string& ledger) {
  train::Trial trial = train::parse_trial(read_file(trial_path(folder)), trial_path(folder));
  trial.seeds.clear();
  std::vector<double> validation, heldout;
  train::Outcome outcome;
  for (const std::string& path : runs_of_seeds(folder)) {
    train::Run run = train::Run::resume(path);
    outcome = train_one(run);
    if (outcome.interrupted) return outcome;
    const train::Metrics m = run.metrics();
    train::SeedResult& s = trial.seeds.emplace_back();
    s.seed = run.config().seed, s.steps = outcome.step, s.seconds = outcome.seconds;
    s.lane_tokens = m.records.back().lane_tokens;
    s.heldout_nats = outcome.heldout_nats;
    s.validation_nats = m.end->validation_nats.value_or(-1);
    s.carried_nats = m.end->carried_nats.value_or(-1);
    heldout.push_back(s.heldout_nats);
    if (m.end->validation_nats) validation.push_back(s.validation_nats);
    tell(stdout, "seed {}: held-out {:.4f} nats/byte after {} steps in {:.1f} s\n", s.seed,
         s.heldout_nats, s.steps, s.seconds);
  }
  tell(stdout, "recipe {}: {}\n", trial.recipe, trial.label);
  if (!validation.empty()) print_spread("validation", validation);
  print_spread("held-out", heldout);
  write_file(trial_path(folder), train::to_json(trial) + "\n");
  if (!ledger.empty()) append_once(ledger, train::to_json(trial));
  return outcome;
}

}  // namespace nibble::app
