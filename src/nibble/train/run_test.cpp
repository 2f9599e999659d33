// Runs of the toy learner: what they leave on disk, and that nothing which interrupts one of them
// changes its result.
#include "nibble/train/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "nibble/base/random.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/safetensors.h"
#include "nibble/train/loop.h"
#include "nibble/train/toy_learner.h"

namespace nibble::train {
namespace {

namespace fs = std::filesystem;

std::string error_of(auto&& fn) {
  try {
    fn();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

class RunTest : public testing::Test {
 protected:
  using Run = train::Run;  // not testing::Test::Run()

  void SetUp() override {
    dir_ = fs::temp_directory_path() /
           ("nibble-run-" +
            std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    Random random(9);
    std::string text;
    while (text.size() < 20000)
      text += "abcde \n"[(text.size() * text.size() + random.below(3)) % 7];
    std::ofstream(dir_ / "text") << text;
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string at(const std::string& name) const { return (dir_ / name).string(); }

  RunConfig config(int64_t steps) const {
    RunConfig c;
    c.recipe.train.batch = 2, c.recipe.train.seq = 16;
    c.seed = 3, c.steps = steps;
    const std::vector<std::string> paths = {at("text")};
    const Corpus corpus = read_corpus(paths);
    c.data = corpus.data, c.alphabet = Alphabet::of(corpus.train).hex();
    return c;
  }

  // A clock that ticks at each look, so that records and checkpoints by time happen too.
  static std::function<double()> ticking(double tick = 0.01, double start = 100) {
    return [=, now = start]() mutable { return now += tick; };
  }

  static Outcome go(Run& run, TrainOptions options = {}) {
    options.make = toy::make;
    if (!options.clock) options.clock = ticking();
    return train(run, options);
  }

  // Stops after `step` in all, as Ctrl-C would.
  static Outcome go_until(Run& run, int64_t step) {
    std::atomic<bool> stop{false};
    TrainOptions options{.interrupted = &stop};
    options.report = [&](const Progress& p) { stop = p.step >= step; };
    return go(run, options);
  }

  std::string weights(const Run& run, int64_t step) const {
    const safetensors::Reader file(run.checkpoint_path(step));
    std::string all;
    for (const auto& t : file.tensors())
      all += t.name + std::string(reinterpret_cast<const char*>(t.data.data()), t.data.size());
    return all;
  }

  fs::path dir_;
};

TEST_F(RunTest, LeavesConfigMetricsAndCheckpoints) {
  RunConfig c = config(500);
  c.checkpoint_every = 100;
  Run run = Run::create(at("run"), c);
  const Outcome o = go(run);
  EXPECT_FALSE(o.interrupted);
  EXPECT_EQ(o.step, 500);

  const Run again = Run::open(at("run"));
  EXPECT_EQ(to_json(again.config()), to_json(c));
  const Metrics m = again.metrics();
  ASSERT_GT(m.records.size(), 5u);
  EXPECT_EQ(m.records.front().step, 0);
  EXPECT_EQ(m.records.back().step, 500);
  EXPECT_EQ(m.records.back().tokens, 500 * 32);
  EXPECT_EQ(m.records.back().lane_tokens, 3 * 500 * 32);
  EXPECT_LT(m.records.back().heldout_nats, m.records.front().heldout_nats);
  EXPECT_GT(m.records.back().lane_tokens_per_second, 0);
  ASSERT_EQ(m.health.size(), 1u);
  EXPECT_EQ(m.health[0].layer, "table");
  EXPECT_EQ(m.health[0].mean_beta, 0.5);
  ASSERT_EQ(m.horizons.size(), 1u);
  EXPECT_EQ(m.horizons[0].steps, 500);
  ASSERT_TRUE(m.ngram_nats);
  EXPECT_GT((*m.ngram_nats)[0], (*m.ngram_nats)[1]);
  ASSERT_TRUE(m.end);
  EXPECT_EQ(m.end->why, "steps");
  EXPECT_EQ(m.end->heldout_bytes, 1999);
  EXPECT_EQ(m.end->carried_nats, std::nullopt);
  EXPECT_EQ(m.end->heldout_nats, o.heldout_nats);
  // The loss of the last step's learner, computed from its checkpoint.
  const auto learner = load_learner(again, 500, toy::make, {}, nullptr);
  const Corpus corpus = reread_corpus(c);
  EXPECT_EQ(heldout_nats(*learner, Alphabet::from_hex(c.alphabet), corpus.heldout), o.heldout_nats);
}

TEST_F(RunTest, ValidationDecidesAndIsNotReported) {
  RunConfig c = config(200);
  c.validation_share = 0.1;
  c.recipe.train.carry = 2;
  EXPECT_EQ(to_json(parse_config(to_json(c), "c")), to_json(c));
  Run run = Run::create(at("run"), c);
  const Outcome o = go(run);
  const Corpus corpus = reread_corpus(c);
  EXPECT_EQ(corpus.train.size(), 16000u);
  const auto learner = load_learner(run, 200, toy::make, {}, nullptr);
  const auto nats = [&](const Bytes& text) {
    return heldout_nats(*learner, Alphabet::from_hex(c.alphabet), text);
  };
  const Metrics m = run.metrics();
  EXPECT_EQ(m.records.back().heldout_nats, nats(corpus.validation));  // short: all of it
  EXPECT_EQ(m.end->validation_nats, nats(corpus.validation));
  EXPECT_EQ(o.heldout_nats, nats(corpus.heldout));
  EXPECT_EQ(m.end->carried_nats,
            heldout_nats(*learner, Alphabet::from_hex(c.alphabet), corpus.heldout, kCarriedWindow));
  EXPECT_NE(read_file(at("run/metrics.jsonl")).find("\"validation_nats\""), std::string::npos);
}

// A line and a record of TensorBoard for each record, also after a kill and a resume.
TEST_F(RunTest, CopiesItsRecordsForOtherPrograms) {
  {
    Run run = Run::create(at("run"), config(200));
    go_until(run, 100);
  }
  std::ofstream(at("run/metrics.csv"), std::ios::app) << "cut sho";
  std::ofstream(at("run/events.out.tfevents.nibble"), std::ios::app) << "cut sho";
  Run run = Run::resume(at("run"));
  go(run);
  const size_t records = run.metrics().records.size();
  const std::string csv = read_file(at("run/metrics.csv"));
  EXPECT_EQ(size_t(std::count(csv.begin(), csv.end(), '\n')), records + 1);
  EXPECT_EQ(csv.rfind("step,seconds,tokens,lane_tokens,train_nats,heldout_nats,", 0), 0u);
  EXPECT_NE(csv.find("\n200,"), std::string::npos);
  const std::string log = read_file(at("run/events.out.tfevents.nibble"));
  size_t found = 0, at = 0;
  for (uint64_t length = 0; at + 12 <= log.size(); at += 12 + length + 4, ++found)
    std::memcpy(&length, log.data() + at, 8);
  EXPECT_EQ(at, log.size());
  EXPECT_EQ(found, records + 1);
}

TEST_F(RunTest, KeepsTheLastCheckpointsAndTheBest) {
  Run run = Run::create(at("run"), config(10));
  toy::ToyLearner learner(run.config().recipe, 8, 1);
  const double losses[] = {3, 1, 2, 2, 2, 2};
  for (int i = 0; i < 6; ++i)
    run.save(learner.state(), {.step = i + 1, .heldout_nats = losses[i]}, 3);
  std::vector<int64_t> steps;
  for (const Mark& m : run.checkpoints()) steps.push_back(m.step);
  EXPECT_EQ(steps, (std::vector<int64_t>{2, 4, 5, 6}));
  EXPECT_EQ(run.checkpoint("best").step, 2);
  EXPECT_EQ(run.checkpoint("last").step, 6);
  EXPECT_EQ(run.checkpoint("4").step, 4);
  EXPECT_NE(error_of([&] { run.checkpoint("3"); }).find("last, best, 2, 4, 5, 6 are there"),
            std::string::npos);
}

TEST_F(RunTest, ResumesToTheSameBits) {
  Run whole = Run::create(at("whole"), config(300));
  go(whole);
  const std::string expected = weights(whole, 300);
  for (const int64_t stop : {1, 7, 150, 299}) {
    const std::string path = at("stopped-" + std::to_string(stop));
    {
      Run part = Run::create(path, config(300));
      const Outcome o = go_until(part, stop);
      EXPECT_TRUE(o.interrupted);
      EXPECT_EQ(o.step, stop);
    }
    Run part = Run::resume(path);
    EXPECT_EQ(go(part).step, 300);
    EXPECT_EQ(weights(part, 300), expected) << stop;
    const Metrics m = part.metrics();
    for (size_t i = 1; i < m.records.size(); ++i)
      EXPECT_LT(m.records[i - 1].step, m.records[i].step);
    EXPECT_EQ(m.records.back().tokens, 300 * 32);
  }
}

TEST_F(RunTest, ResumingAFinishedRunChangesNothing) {
  std::string before;
  {
    Run run = Run::create(at("run"), config(20));
    go(run);
    before = read_file(at("run/metrics.jsonl"));
  }
  Run run = Run::resume(at("run"));
  EXPECT_EQ(go(run).step, 20);
  EXPECT_EQ(read_file(at("run/metrics.jsonl")), before);
}

// A run by time estimates its horizon; the record of the estimates explains the result.
TEST_F(RunTest, ATimedRunIsRepeatedByItsHorizons) {
  RunConfig c = config(0);
  c.seconds = 4;
  Run timed = Run::create(at("timed"), c);
  const Outcome o = go(timed);
  const Metrics m = timed.metrics();
  EXPECT_NEAR(o.seconds, 4, 0.25);
  EXPECT_GE(m.horizons.size(), 10u);
  EXPECT_EQ(m.horizons.back().steps, o.step);
  EXPECT_EQ(m.end->why, "seconds");

  // A clock four times as slow: without the horizons the run would be much shorter.
  Run repeated = Run::create(at("repeated"), c);
  go(repeated, {.clock = ticking(0.04), .replay = m.horizons});
  EXPECT_EQ(weights(repeated, o.step), weights(timed, o.step));

  // Interrupted and resumed at another speed, it is another run, and again explained.
  {
    Run part = Run::create(at("part"), c);
    go_until(part, 60);
  }
  Run part = Run::resume(at("part"));
  const Outcome p = go(part, {.clock = ticking(0.02, 7000)});
  EXPECT_NE(p.step, o.step);
  Run again = Run::create(at("again"), c);
  go(again, {.clock = ticking(0.005), .replay = part.metrics().horizons});
  EXPECT_EQ(weights(again, p.step), weights(part, p.step));
}

TEST_F(RunTest, StopsAtTheTarget) {
  RunConfig c = config(100000);
  c.target_nats = 1.75;
  Run run = Run::create(at("run"), c);
  const Outcome o = go(run);
  EXPECT_LT(o.step, 100000);
  EXPECT_EQ(run.metrics().end->why, "target");
  EXPECT_LE(run.checkpoint("last").heldout_nats, 1.75);
}

TEST_F(RunTest, MendsAMetricsLineCutShort) {
  RunConfig c = config(200);
  {
    Run run = Run::create(at("run"), c);
    go_until(run, 100);
  }
  const std::string whole = read_file(at("run/metrics.jsonl"));
  std::ofstream(at("run/metrics.jsonl"), std::ios::app) << "{\"step\":150,\"seconds\":7}\n{\"st";
  EXPECT_EQ(Run::open(at("run")).checkpoint("last").step, 100);
  Run run = Run::resume(at("run"));
  run.rewind_metrics(100);
  EXPECT_EQ(read_file(at("run/metrics.jsonl")), whole);
  std::ofstream(at("run/metrics.jsonl"), std::ios::app) << "no json\n{\"step\":150}\n";
  EXPECT_NE(error_of([&] { run.rewind_metrics(100); }).find("is damaged in line"),
            std::string::npos);
}

TEST_F(RunTest, IsLockedWhileItTrains) {
  Run run = Run::create(at("run"), config(10));
  EXPECT_NE(error_of([&] { Run::resume(at("run")); }).find("in use"), std::string::npos);
  EXPECT_NO_THROW(Run::open(at("run")));
}

TEST_F(RunTest, RefusesDirectoriesThatAreNotItsOwn) {
  EXPECT_NE(error_of([&] { Run::create(dir_.string(), config(1)); }).find("new or an empty"),
            std::string::npos);
  { Run run = Run::create(at("run"), config(1)); }
  EXPECT_NE(error_of([&] { Run::create(at("run"), config(1)); }).find("is a run already"),
            std::string::npos);
  EXPECT_NE(error_of([&] { Run::resume(at("none")); }).find("is not a run"), std::string::npos);
  EXPECT_FALSE(fs::exists(at("none")));
  EXPECT_NE(error_of([&] { Run::create("/proc/none", config(1)); }).find("cannot make directory"),
            std::string::npos);
  // What a process leaves that was killed before it wrote the config may be taken over.
  fs::remove(at("run/config.json"));
  EXPECT_NO_THROW(Run::create(at("run"), config(1)));
}

TEST_F(RunTest, RefusesAChangedText) {
  { Run run = Run::create(at("run"), config(10)); }
  std::ofstream(at("text"), std::ios::app) << "x";
  Run run = Run::resume(at("run"));
  EXPECT_NE(error_of([&] { go(run); }).find("has changed since the run began"), std::string::npos);
}

TEST_F(RunTest, NamesWhatIsWrongInAConfig) {
  const std::string good = to_json(config(10));
  EXPECT_EQ(to_json(parse_config(good, "c")), good);
  const std::map<std::string, std::string> damage = {
      {"nibble-run 1", "nibble-run 9"},           {"\"seed\"", "\"sead\""},
      {"\"steps\": 10", "\"steps\": -1"},         {"\"hidden\"", "\"hiden\""},
      {"\"alphabet\": \"", "\"alphabet\": \"zz"}, {"{", "["}};
  for (const auto& [from, to] : damage) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    EXPECT_NE(error_of([&] { parse_config(bad, "c"); }), "no error") << from;
  }
}

TEST_F(RunTest, SaysWhichCheckpointIsGoodWhenItCannotSave) {
  RunConfig c = config(100);
  c.checkpoint_every = 10;
  Run run = Run::create(at("run"), c);
  TrainOptions options;
  // The place of the checkpoint of step 30 is taken by a folder.
  options.report = [&](const Progress& p) {
    if (p.step == 25) fs::create_directories(run.checkpoint_path(30) + ".tmp");
  };
  const std::string why = error_of([&] { go(run, options); });
  EXPECT_NE(why.find("the last good checkpoint is"), std::string::npos) << why;
  EXPECT_NE(why.find("step-20.safetensors"), std::string::npos) << why;
  EXPECT_EQ(run.checkpoint("last").step, 20);
}

TEST_F(RunTest, StopsWhenTheLossIsNotANumber) {
  Run run = Run::create(at("run"), config(100));
  struct Broken : toy::ToyLearner {
    using ToyLearner::ToyLearner;
    StepResult step(std::span<const uint8_t> text, int64_t step, double progress) override {
      StepResult r = ToyLearner::step(text, step, progress);
      if (step == 5) r.train_nats = std::nan("");
      return r;
    }
  };
  TrainOptions options{.clock = ticking()};
  options.make = [](const Recipe& r, int symbols, uint64_t seed, const Machine&, Pool*) {
    return std::make_unique<Broken>(r, symbols, seed);
  };
  EXPECT_NE(error_of([&] { train(run, options); }).find("diverged in step 5"), std::string::npos);
}

TEST_F(RunTest, TernaryShadowsAreStoredInTwoBits) {
  struct Shadow : toy::ToyLearner {
    using ToyLearner::ToyLearner;
    std::vector<float> w = {-1.5f, -0.5f, 0.2f, 0.6f, 1.2f, -0.7f, 0.0f, 0.5f, 0.51f, -2.0f};
    std::vector<float> bias = {0.25f};
    std::vector<StateTensor> state() override {
      return {{"a.shadow", DType::f32, {2, 5}, w.data()},
              {"a.adam_m", DType::f32, {2, 5}, w.data()},
              {"bias", DType::f32, {1}, bias.data()}};
    }
  };
  Shadow learner(Recipe(), 8, 1);
  const std::string path = at("c.safetensors");
  write_checkpoint(path, learner.state(), {.step = 4, .horizon = {.from = 0.1, .steps = 9}},
                   WeightFormat::ternary);
  const safetensors::Reader file(path);
  EXPECT_EQ(file.at("a.int2").data.size(), 4u);  // two rows of five codes
  const OwnedTensors weights = read_weights(path);
  ASSERT_EQ(weights.tensors.size(), 2u);
  for (const StateTensor& t : weights.tensors) {
    const float* v = static_cast<const float*>(t.data);
    if (t.name == "bias")
      EXPECT_EQ(v[0], 0.25f);
    else
      EXPECT_EQ(std::vector<float>(v, v + 10),
                (std::vector<float>{-1, 0, 0, 1, 1, -1, 0, 0, 1, -1}));
  }
  learner.w.assign(10, 7);
  const Mark mark = restore(learner, path);
  EXPECT_EQ(learner.w[1], -0.5f);
  EXPECT_EQ(mark.step, 4);
  EXPECT_EQ(mark.horizon.from, 0.1);
  write_checkpoint(path, learner.state(), {}, WeightFormat::int8);
  EXPECT_EQ(safetensors::Reader(path).find("a.int2"), nullptr);
  // 0.51 and 0.2 are no bf16; -1.5, -0.5, 0, 0.5 and -2 are.
  learner.w = {-1.5f, -0.5f, 0.2f, 0.6f, 1.2f, -0.7f, 0.0f, 0.5f, 0.51f, -2.0f};
  write_checkpoint(path, learner.state(), {}, WeightFormat::bf16);
  const auto rounded = safetensors::Reader(path).at("a.bf16");
  EXPECT_EQ(rounded.type, DType::bf16);
  EXPECT_EQ(rounded.shape, (std::vector<int64_t>{2, 5}));
  const OwnedTensors inference = read_weights(path);
  ASSERT_EQ(inference.tensors.size(), 2u);
  const auto* v = static_cast<const float*>(inference.tensors[0].data);
  EXPECT_EQ(std::vector<float>(v, v + 10),
            (std::vector<float>{-1.5f, -0.5f, 0x1.9ap-3f, 0x1.34p-1f, 0x1.34p0f, -0x1.66p-1f, 0,
                                0.5f, 0x1.06p-1f, -2}));
  restore(learner, path);
  EXPECT_EQ(learner.w[2], 0.2f);
}

// 200 checkpoints with bytes changed, cut off or inserted: each is refused with a sentence, or is
// still what was written (spaces in the header).
TEST_F(RunTest, RefusesDamagedCheckpoints) {
  toy::ToyLearner learner(Recipe(), 12, 1), other(Recipe(), 12, 1);
  const std::string path = at("c.safetensors");
  write_checkpoint(path, learner.state(), {.step = 4, .heldout_nats = 2}, WeightFormat::ternary);
  const std::string good = read_file(path);
  Random random(11);
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    std::string bad = good;
    const size_t where = i % 2 ? random.below(700) : random.below(good.size());
    switch (random.below(4)) {
      case 0:
        bad[where] = char(bad[where] ^ (1 << random.below(8)));
        break;
      case 1:
        bad.resize(where);
        break;
      case 2:
        bad.insert(where, 1 + random.below(9), char(random.below(256)));
        break;
      case 3:
        for (size_t k = where; k < std::min(where + 8, bad.size()); ++k) bad[k] = char(0xff);
    }
    std::ofstream(path, std::ios::binary) << bad;
    try {
      const Mark mark = restore(other, path);
      read_weights(path), read_mark(path);
      EXPECT_EQ(mark.step, 4);
    } catch (const Error& e) {
      ++refused;
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    }
  }
  EXPECT_GE(refused, 195);
}

TEST_F(RunTest, RefusesACheckpointOfAnotherModel) {
  toy::ToyLearner learner(Recipe(), 12, 1), other(Recipe(), 13, 1);
  const std::string path = at("c.safetensors");
  write_checkpoint(path, learner.state(), {}, WeightFormat::ternary);
  EXPECT_NE(error_of([&] { restore(other, path); }), "no error");
}

TEST(Horizon, ProgressIsContinuousAndEndsAtOne) {
  Horizon h;
  EXPECT_EQ(h.progress(50), 0);
  h = {.at = 50, .from = 0, .steps = 150};
  EXPECT_DOUBLE_EQ(h.progress(100), 0.5);
  const Horizon later = {.at = 100, .from = h.progress(100), .steps = 110};
  EXPECT_EQ(later.progress(100), h.progress(100));
  EXPECT_DOUBLE_EQ(later.progress(105), 0.75);
  EXPECT_EQ(later.progress(110), 1);
  EXPECT_TRUE(later.done(110));
  EXPECT_FALSE(later.done(109));
}

// Speed that changes a hundredfold: the run still ends in time, and progress never falls.
TEST(Horizon, FollowsAnUnsteadyMachine) {
  for (const double early : {0.1, 10.0}) {
    HorizonEstimator estimator(60, 0, 0.5);
    Horizon h;
    double seconds = 0.5, progress = 0;
    int64_t step = 0;
    while (!h.done(step)) {
      EXPECT_GE(h.progress(step), progress);
      progress = h.progress(step);
      ++step, seconds += 0.01 * (seconds < 2 ? early : 1);
      if (const auto next = estimator.update(h, step, seconds)) h = *next;
      ASSERT_LT(seconds, 70);
    }
    EXPECT_NEAR(seconds, 60, 1.5);
    EXPECT_GT(progress, 0.99);
  }
}

}  // namespace
}  // namespace nibble::train
