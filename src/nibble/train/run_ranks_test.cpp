// Runs that several ranks make together, and runs that are told to stop in the middle of something.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>

#include "nibble/base/random.h"
#include "nibble/runtime/safetensors.h"
#include "nibble/runtime/thread_ranks.h"
#include "nibble/train/loop.h"
#include "nibble/train/toy_learner.h"

namespace nibble::train {
namespace {

namespace fs = std::filesystem;

class RunRanksTest : public testing::Test {
 protected:
  using Run = train::Run;  // not testing::Test::Run()

  void SetUp() override {
    dir_ = fs::temp_directory_path() /
           ("nibble-ranks-" +
            std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string at(const std::string& name) const { return (dir_ / name).string(); }

  RunConfig config(int64_t steps, size_t bytes = 20000) const {
    Random random(9);
    std::string text;
    while (text.size() < bytes)
      text += "abcde \n"[(text.size() * text.size() + random.below(3)) % 7];
    std::ofstream(dir_ / "text") << text;
    RunConfig c;
    c.recipe.train.batch = 2, c.recipe.train.seq = 16;
    c.seed = 3, c.steps = steps;
    const std::vector<std::string> paths = {at("text")};
    const Corpus corpus = read_corpus(paths);
    c.data = corpus.data, c.alphabet = Alphabet::of(corpus.train).hex();
    return c;
  }

  static std::function<double()> ticking(double tick) {
    return [=, now = 100.0]() mutable { return now += tick; };
  }
  static Outcome go(Run& run, TrainOptions options = {}) {
    options.make = toy::make, options.clock = ticking(0.01);
    return train(run, options);
  }

  // Makes or goes on with the run `split_` by so many ranks; `change` makes the options of one of
  // them its own. What each of them said in the end: "" for an outcome, "elsewhere" where another
  // one knows.
  std::vector<std::string> go_among(int ranks, const std::string& path,
                                    const std::function<void(int, TrainOptions&)>& change) {
    const auto thrown = ThreadRanks(ranks).run([&](Communicator& c) {
      std::optional<Run> run;
      on_rank_0(&c,
                [&] { run = fs::exists(path) ? Run::resume(path) : Run::create(path, split_); });
      if (c.rank() > 0) run = Run::open(path);
      TrainOptions options{.make = toy::make, .clock = ticking(0.01 * (c.rank() + 1)), .ranks = &c};
      change(c.rank(), options);
      const Outcome o = train(*run, options);
      const std::lock_guard lock(mutex_);
      outcomes_.push_back(o);
    });
    std::vector<std::string> said;
    for (const auto& t : thrown) try {
        said.emplace_back();
        if (t) std::rethrow_exception(t);
      } catch (const ErrorElsewhere&) {
        said.back() = "elsewhere";
      } catch (const std::exception& e) {
        said.back() = e.what();
      }
    return said;
  }

  std::string weights(const Run& run, int64_t step) const {
    const safetensors::Reader file(run.checkpoint_path(step));
    std::string all;
    for (const auto& t : file.tensors())
      all += t.name + std::string(reinterpret_cast<const char*>(t.data.data()), t.data.size());
    return all;
  }

  fs::path dir_;
  RunConfig split_;
  std::mutex mutex_;
  std::vector<Outcome> outcomes_;
};

TEST_F(RunRanksTest, RanksMakeTheRunOfOneProcess) {
  const auto as_they_are = [](int, TrainOptions&) {};
  split_ = config(0);
  split_.seconds = 3;
  ASSERT_EQ(go_among(3, at("ranks"), as_they_are), std::vector<std::string>(3));
  const Run ranks = Run::open(at("ranks"));
  const Metrics m = ranks.metrics();
  EXPECT_GE(m.horizons.size(), 5u);
  ASSERT_EQ(outcomes_.size(), 3u);
  for (const Outcome& o : outcomes_) {
    EXPECT_EQ(o.step, m.end->step);
    EXPECT_EQ(o.heldout_nats, m.end->heldout_nats);
  }
  Run one = Run::create(at("one"), split_);
  go(one, {.replay = m.horizons});
  EXPECT_EQ(weights(one, m.end->step), weights(ranks, m.end->step));
  EXPECT_EQ(one.metrics().end->heldout_nats, m.end->heldout_nats);
}

TEST_F(RunRanksTest, ASignalToOneRankStopsAll) {
  split_ = config(300);
  std::atomic<bool> stop{false};
  const auto said = go_among(2, at("run"), [&](int rank, TrainOptions& o) {
    if (rank == 1) o.interrupted = &stop;
    if (rank == 0) o.report = [&](const Progress& p) { stop = p.step >= 50; };
  });
  EXPECT_EQ(said, std::vector<std::string>(2));
  ASSERT_EQ(outcomes_.size(), 2u);
  EXPECT_TRUE(outcomes_[0].interrupted && outcomes_[1].interrupted);
  EXPECT_EQ(outcomes_[0].step, outcomes_[1].step);
  EXPECT_EQ(Run::open(at("run")).checkpoint("last").step, outcomes_[0].step);
  go_among(3, at("run"), [](int, TrainOptions&) {});
  Run one = Run::create(at("one"), split_);
  go(one);
  EXPECT_EQ(weights(one, 300), weights(Run::open(at("run")), 300));
}

// A bit of rank 1's state flips: found at the next comparison, and never written.
TEST_F(RunRanksTest, DriftEndsTheRunWithOneSentence) {
  struct Drifting : toy::ToyLearner {
    using ToyLearner::ToyLearner;
    StepResult step(std::span<const uint8_t> text, int64_t step, double progress) override {
      const StepResult r = ToyLearner::step(text, step, progress);
      if (step == 33) *static_cast<uint32_t*>(state()[1].data) ^= 1u << 12;
      return r;
    }
  };
  const auto drift = [](int rank, TrainOptions& o) {
    if (rank != 1) return;
    o.make = [](const Recipe& r, int symbols, uint64_t seed, const Machine&, Pool*) {
      return std::make_unique<Drifting>(r, symbols, seed);
    };
  };
  split_ = config(300);
  split_.checkpoint_every = 15;
  EXPECT_EQ(go_among(3, at("run"), drift),
            (std::vector<std::string>{
                "after step 45 the weights of rank 1 are not those of rank 0: equal programs and "
                "sound memory are needed everywhere; the last good checkpoint is '" +
                    at("run/checkpoints/step-30.safetensors") + "'",
                "elsewhere", "elsewhere"}));
  EXPECT_EQ(Run::open(at("run")).checkpoint("last").step, 30);
  split_.checkpoint_every = 1000;
  EXPECT_NE(go_among(2, at("other"), drift)[0].find("after step 50 "), std::string::npos);
}

TEST_F(RunRanksTest, RanksEndWithTheOneThatFails) {
  split_ = config(100);
  split_.checkpoint_every = 10;
  const auto said = go_among(3, at("run"), [&](int rank, TrainOptions& o) {
    if (rank == 0)
      o.report = [&](const Progress& p) {
        if (p.step == 25) fs::create_directories(at("run/checkpoints/step-30.safetensors.tmp"));
      };
  });
  EXPECT_NE(said[0].find("step-20.safetensors"), std::string::npos) << said[0];
  EXPECT_EQ(said[1], "elsewhere");
  EXPECT_EQ(said[2], "elsewhere");
  const auto lacking = go_among(2, at("lacking"), [&](int rank, TrainOptions& o) {
    if (rank == 1) o.make = [](auto&&...) -> std::unique_ptr<Learner> { throw Error("no memory"); };
  });
  EXPECT_EQ(lacking, (std::vector<std::string>{"elsewhere", "no memory"}));
}

// An evaluation is left between pieces of 64 windows, and made again by the process that goes on.
TEST_F(RunRanksTest, StopsInTheMiddleOfAnEvaluation) {
  struct Counting : toy::ToyLearner {
    Counting(const Recipe& r, int symbols, uint64_t seed, int from, std::atomic<bool>& stop,
             int& calls)
        : ToyLearner(r, symbols, seed), from_(from), stop_(stop), calls_(calls) {}
    double loss(std::span<const uint8_t> text, int window) const override {
      if (text.size() > 17 && ++calls_ == from_) stop_ = true;  // not one of step()
      return ToyLearner::loss(text, window);
    }
    int from_;
    std::atomic<bool>& stop_;
    int& calls_;
  };
  const RunConfig c = config(20, 400000);
  Run whole = Run::create(at("whole"), c);
  go(whole);
  for (const int from : {1, 3, 8, 9, 12, 20}) {
    const std::string path = at("run-" + std::to_string(from));
    std::atomic<bool> stop{false};
    int calls = 0;
    {
      Run run = Run::create(path, c);
      TrainOptions options{.interrupted = &stop, .clock = ticking(0.01)};
      options.make = [&](const Recipe& r, int symbols, uint64_t seed, const Machine&, Pool*) {
        return std::make_unique<Counting>(r, symbols, seed, from, stop, calls);
      };
      const Outcome o = train(run, options);
      EXPECT_TRUE(o.interrupted);
      EXPECT_EQ(calls, from) << "an evaluation went on";
      EXPECT_EQ(run.checkpoints().empty() ? 0 : run.checkpoint("last").step, o.step);
    }
    Run run = Run::resume(path);
    go(run);
    EXPECT_EQ(weights(run, 20), weights(whole, 20));
    EXPECT_EQ(run.metrics().end->heldout_nats, whole.metrics().end->heldout_nats);
  }
}

}  // namespace
}  // namespace nibble::train
