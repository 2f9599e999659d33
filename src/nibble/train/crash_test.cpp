// crash_test MOMENTS: kills a training process (SIGKILL) at so many random moments, resumes it,
// kills that one too, resumes again, and demands the bits of a run that was left alone.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "nibble/base/random.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/safetensors.h"
#include "nibble/train/loop.h"
#include "nibble/train/toy_learner.h"

namespace nibble::train {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr int64_t kSteps = 100;

RunConfig make_config(const fs::path& dir) {
  std::string text;
  Random random(5);
  while (text.size() < 4000) text += char('a' + random.below(5) * random.below(3));
  std::ofstream(dir / "text") << text;
  RunConfig c;
  c.recipe.train.batch = 2, c.recipe.train.seq = 16;
  c.steps = kSteps, c.checkpoint_every = 6;
  const std::vector<std::string> paths = {(dir / "text").string()};
  const Corpus corpus = read_corpus(paths);
  c.data = corpus.data, c.alphabet = Alphabet::of(corpus.train).hex();
  return c;
}

// What a training process does from its first instruction to its end.
void go(const std::string& path, const RunConfig& config) {
  Run run = fs::exists(path + "/config.json") ? Run::resume(path) : Run::create(path, config);
  TrainOptions options;
  options.make = [](const Recipe& r, int symbols, uint64_t seed, const Machine&, Pool*) {
    auto learner = std::make_unique<toy::ToyLearner>(r, symbols, seed);
    learner->pause_microseconds(500);
    return learner;
  };
  train(run, options);
}

// True if the child came to its end before it was killed.
bool go_and_kill(const std::string& path, const RunConfig& config, int64_t after_us) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      go(path, config);
    } catch (const std::exception& e) {
      fmt::print(stderr, "{}\n", e.what());
      _exit(1);
    }
    _exit(0);
  }
  std::this_thread::sleep_for(std::chrono::microseconds(after_us));
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) throw Error("the child failed");
  return WIFEXITED(status);
}

std::string last_weights(const std::string& path) {
  const Run run = Run::open(path);
  if (run.checkpoint("last").step != kSteps) throw Error("the run did not reach its end");
  const safetensors::Reader file(run.checkpoint_path(kSteps));
  std::string all;
  for (const auto& t : file.tensors())
    all.append(reinterpret_cast<const char*>(t.data.data()), t.data.size());
  return all;
}

// The records of a run that was killed: complete, ascending, none twice.
void check_metrics(const std::string& path) {
  const Metrics m = Run::open(path).metrics();
  if (m.records.empty() || m.records.back().step != kSteps || !m.end || m.horizons.size() != 1)
    throw Error("the metrics are not complete");
  for (size_t i = 1; i < m.records.size(); ++i)
    if (m.records[i].step <= m.records[i - 1].step) throw Error("a record is there twice");
}

int test(int moments) {
  const fs::path dir = fs::temp_directory_path() / fmt::format("nibble-crash-{}", getpid());
  fs::create_directories(dir);
  const RunConfig config = make_config(dir);
  const std::string whole = (dir / "whole").string();
  const auto start = steady_clock::now();
  go(whole, config);
  // How long a process takes: a guess, for other work on the machine comes and goes. A first
  // process that ends before its moment makes it smaller, so that some are killed on any machine.
  int64_t us =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start).count();
  const std::string expected = last_weights(whole);
  Random random(uint64_t(start.time_since_epoch().count()));
  int killed = 0, wrong = 0;
  for (int i = 0; i < moments; ++i) {
    const std::string path = (dir / fmt::format("{}", i)).string();
    for (int again = 0; again < 2; ++again) {
      const auto moment = int64_t(random.below(uint64_t(us)));
      const bool ended = go_and_kill(path, config, moment);
      killed += !ended;
      if (ended && again == 0) us = moment / 2 + 1;
    }
    go(path, config);
    check_metrics(path);
    wrong += last_weights(path) != expected;
  }
  fs::remove_all(dir);
  fmt::print("{} runs, {} processes killed, {} runs with other bits\n", moments, killed, wrong);
  return wrong || killed < moments / 2;
}

}  // namespace
}  // namespace nibble::train

int main(int argc, char** argv) {
  try {
    return nibble::train::test(argc > 1 ? std::atoi(argv[1]) : 5);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
