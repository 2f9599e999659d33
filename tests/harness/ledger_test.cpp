#include "nibble/harness/ledger.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace nibble::harness {
namespace {

LedgerRecord good() {
  return {.id = "gemm-tile-8",
          .date = "2026-01-31",
          .question = "Do eight rows | tile better than four?",
          .baseline = "four",
          .candidate = "eight",
          .verdict = "promoted",
          .figures = "ratio 1.2",
          .machine = "a CPU",
          .command = "nibble bench",
          .reopen_if = "a CPU with fewer registers matters"};
}

class LedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto name = std::filesystem::temp_directory_path() / "nibble_ledger_XXXXXX";
    std::string pattern = name.string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string file() const { return (dir_ / "ledger.jsonl").string(); }
  std::filesystem::path dir_;
};

TEST_F(LedgerTest, AppendsAndReadsBack) {
  LedgerRecord second = good();
  second.id = "other";
  ASSERT_TRUE(append_record(file(), good()).ok());
  ASSERT_TRUE(append_record(file(), second).ok());
  std::vector<LedgerRecord> all;
  ASSERT_TRUE(read_ledger(file(), all).ok());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(to_json(all[0]), to_json(good()));
  EXPECT_EQ(all[1].id, "other");
  EXPECT_FALSE(std::filesystem::exists(file() + ".tmp"));
  EXPECT_NE(to_markdown(all).find("eight rows \\| tile"), std::string::npos);
}

TEST_F(LedgerTest, RefusesAndLeavesTheFileAlone) {
  ASSERT_TRUE(append_record(file(), good()).ok());
  const auto refuses = [&](auto&& spoil, std::string_view why) {
    LedgerRecord r = good();
    r.id = "new";
    spoil(r);
    const Status s = append_record(file(), r);
    EXPECT_NE(s.why().find(why), std::string::npos) << s.why();
    std::vector<LedgerRecord> all;
    EXPECT_TRUE(read_ledger(file(), all).ok());
    EXPECT_EQ(all.size(), 1u);
  };
  refuses([](auto& r) { r.id = "gemm-tile-8"; }, "already");
  refuses([](auto& r) { r.id = "Gemm Tile"; }, "a-z");
  refuses([](auto& r) { r.date = "31.1.2026"; }, "YYYY-MM-DD");
  refuses([](auto& r) { r.date = "2026-13-01"; }, "YYYY-MM-DD");
  refuses([](auto& r) { r.verdict = "better"; }, "valid-negative");
  refuses([](auto& r) { r.figures = ""; }, "lacks figures");
  refuses([](auto& r) { r.reopen_if = ""; }, "lacks reopen_if");
}

TEST_F(LedgerTest, ABadLineIsNamed) {
  std::ofstream(file()) << to_json(good()) << "\n{\"id\": \"x\"}\n";
  std::vector<LedgerRecord> all;
  const Status s = read_ledger(file(), all);
  EXPECT_NE(s.why().find("line 2: ledger record 'x' lacks date"), std::string::npos) << s.why();
  EXPECT_FALSE(append_record(file(), good()).ok());

  std::ofstream(file()) << to_json(good()) << '\n' << to_json(good()) << '\n';
  all.clear();
  EXPECT_NE(read_ledger(file(), all).why().find("used twice"), std::string::npos);
}

TEST_F(LedgerTest, ParsesOnlyKnownStrings) {
  LedgerRecord r;
  EXPECT_TRUE(parse_record(to_json(good()), r).ok());
  EXPECT_FALSE(parse_record("[]", r).ok());
  EXPECT_NE(parse_record("{\"mood\": \"good\"}", r).why().find("no field 'mood'"),
            std::string::npos);
  EXPECT_NE(parse_record("{\"id\": 3}", r).why().find("must be a string"), std::string::npos);
}

TEST_F(LedgerTest, AFolderThatIsMissingIsAnError) {
  EXPECT_FALSE(append_record((dir_ / "no" / "ledger.jsonl").string(), good()).ok());
}

TEST(RecordOf, AVerdictFollowsFromTheComparison) {
  AbResult ab{.op = "gemm", .case_name = "c", .baseline = "a", .candidate = "b", .rounds = 9};
  ab.baseline_us = 2, ab.candidate_us = 1, ab.ratio = {2, 1.9, 2.1}, ab.cpu_model = "a CPU";
  const auto verdict = [&](Verdict v) {
    ab.verdict = v;
    const LedgerRecord r = record_of(ab, "id", "2026-01-01", "Is it?", "never");
    EXPECT_TRUE(check(r).ok()) << check(r).why();
    EXPECT_EQ(r.command, "nibble bench gemm --case c --ab a,b --threads 1");
    return r.verdict;
  };
  EXPECT_EQ(verdict(Verdict::faster), "promoted");
  EXPECT_EQ(verdict(Verdict::slower), "valid-negative");
  EXPECT_EQ(verdict(Verdict::undecided), "neutral");
}

TEST(RecordOf, TheCommandRepeatsWhatWasRun) {
  AbResult ab{.op = "gemm", .case_name = "c", .baseline = "a", .candidate = "b"};
  const auto record = [&] { return record_of(ab, "id", "2026-01-01", "Is it?", "never"); };
  EXPECT_FALSE(record().command.ends_with(" --cold"));  // one copy, large or not
  EXPECT_TRUE(record().figures.ends_with(", one copy"));
  ab.cold = true;
  EXPECT_TRUE(record().command.ends_with(" --cold"));
  EXPECT_TRUE(record().figures.ends_with(", cold"));
}

}  // namespace
}  // namespace nibble::harness
