#include "nibble/train/trial.h"

#include <gtest/gtest.h>

#include "nibble/runtime/error.h"

namespace nibble::train {
namespace {

Trial trial(const std::string& name, std::vector<double> validation, double heldout = 2) {
  Trial t = {.recipe = name,
             .label = "how",
             .data = {{.path = "/somewhere/text", .bytes = 3000, .hash = "0123456789abcdef"}},
             .seconds = 60,
             .validation_share = 0.05,
             .machine = "a machine",
             .commit = "abc",
             .date = "2026-01-02",
             .threads = 2};
  uint64_t seed = 0;
  for (const double v : validation)
    t.seeds.push_back({.seed = ++seed,
                       .steps = 10,
                       .lane_tokens = 1000,
                       .seconds = 60,
                       .validation_nats = v,
                       .heldout_nats = heldout});
  return t;
}

TEST(Trial, RoundTripsAsOneLineWithoutFolders) {
  Trial t = trial("a", {2.1, 2.2, 2.3});
  t.set = {"train.lr=0.1"};
  const std::string json = to_json(t);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_EQ(json.find("somewhere"), std::string::npos);
  EXPECT_TRUE(is_trial(json));
  EXPECT_FALSE(is_trial("{\"id\": 1}"));
  EXPECT_EQ(to_json(parse_trial(json, "x")), json);
  t.rate = 20.5, t.seeds[2].carried_nats = 1.5;
  EXPECT_EQ(parse_trial(to_json(t), "x").seeds[2].carried_nats, 1.5);
  EXPECT_EQ(parse_trial(to_json(t), "x").rate, 20.5);
  EXPECT_THROW(parse_trial("{}", "x"), Error);
  EXPECT_THROW(parse_trial(R"({"kind": "nibble-trial 9"})", "x"), Error);
}

TEST(Trial, SpreadIsThatOfASample) {
  const double v[] = {1, 2, 3};
  EXPECT_DOUBLE_EQ(spread(v).mean, 2);
  EXPECT_DOUBLE_EQ(spread(v).deviation, 1);
  EXPECT_EQ(spread(std::span(v).first(1)).deviation, 0);
}

// Held-out figures are there to be read; validation decides.
TEST(Trial, TableChoosesOnValidationAndClaimsWithThreeSeeds) {
  const Trial trials[] = {trial("worse", {2.30, 2.31, 2.32}, 1.0), trial("few", {1.0, 1.0}),
                          trial("good", {2.10, 2.11, 2.12}), trial("near", {2.11, 2.12, 2.13})};
  const std::string table = trial_table(trials, false);
  const auto line_of = [&](const std::string& name) {
    const size_t at = table.find(" " + name + " "), from = table.rfind('\n', at);
    return table.substr(from, table.find('\n', at) - from);
  };
  EXPECT_NE(line_of("good").find("  best"), std::string::npos) << table;
  EXPECT_NE(line_of("near").find("within the spread of the best (+0.0100)"), std::string::npos);
  EXPECT_NE(line_of("worse").find("worse by 0.2000"), std::string::npos);
  EXPECT_NE(line_of("few").find("no claim: 2 of 3 seeds"), std::string::npos);
  EXPECT_LT(table.find(" good "), table.find(" worse "));
  EXPECT_NE(table.find("60 s; 2 threads of a machine; validation on 5%"), std::string::npos);
}

TEST(Trial, OtherBudgetsAreOtherTables) {
  Trial longer = trial("longer", {1.9, 1.9, 1.9});
  longer.seconds = 600;
  const Trial trials[] = {trial("short", {2, 2, 2}), longer};
  const std::string table = trial_table(trials, true);
  EXPECT_NE(table.find("| short | 1,2,3 | 10 | 1e+03 | 2.0000 +- 0.0000 | 2.0000 +- 0.0000 | "
                       "nothing to compare with |"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("; 600 s;"), std::string::npos);
}

// Another version needs half the time: its trials stand apart, but for what took as long in both.
TEST(Trial, VersionsOfOtherSpeedsAreOtherTables) {
  const auto at = [](const std::string& commit, int64_t steps, std::vector<std::string> set) {
    Trial t = trial("r", {2, 2, 2});
    t.commit = commit, t.set = std::move(set);
    for (SeedResult& s : t.seeds) s.steps = steps;
    return t;
  };
  const Trial trials[] = {at("old", 100, {}), at("old", 70, {"model.ffn=512"}),
                          at("new", 200, {"train.sigma=0.1"}), at("new", 150, {"model.ffn=512"}),
                          at("newer", 208, {"train.sigma=0.4"})};
  const std::string table = trial_table(trials, true);
  EXPECT_NE(table.find("; commit old\n"), std::string::npos) << table;
  EXPECT_NE(table.find("; commits new, newer\n"), std::string::npos) << table;
  EXPECT_EQ(trial_table(std::span(trials).first(2), true).find("commit old"), std::string::npos);
  EXPECT_NE(trial_table(std::span(trials).first(1), true).find("| nothing to compare with |"),
            std::string::npos);
}

// Seconds that were kept as updates are seconds; the row says how many updates at which rate.
TEST(Trial, SecondsKeptAsUpdatesStandUnderOneHeading) {
  Trial counted = trial("counted", {1.9, 1.9, 1.9});
  counted.rate = 0.25;
  for (SeedResult& s : counted.seeds) s.carried_nats = 1.8;
  const Trial trials[] = {trial("timed", {2, 2, 2}), counted};
  const std::string table = trial_table(trials, true);
  EXPECT_EQ(table.find("; 60 s;"), table.rfind("; 60 s;")) << table;
  EXPECT_NE(table.find("| counted | 1,2,3 | 10 at 0.25/s |"), std::string::npos) << table;
  EXPECT_NE(table.find("| 2.0000 +- 0.0000; carried 1.8000 +- 0.0000 |"), std::string::npos)
      << table;
}

}  // namespace
}  // namespace nibble::train
