#include "cheaters.h"

#include <gtest/gtest.h>

#include <memory>

#include "nibble/cpu/detect.h"
#include "nibble/harness/bench.h"
#include "nibble/harness/erase.h"
#include "nibble/harness/verify.h"

namespace nibble::harness {
namespace {

const OpView& toy_view() {
  static const ErasedOp<toy::Op> view(toy::cases());
  return view;
}

VariantReport verify_one(std::string_view variant) {
  toy::forget();
  VerifyOptions options{.machine = cpu::this_machine()};
  options.variant = variant;
  for (auto& r : verify(toy_view(), options))
    if (r.variant == variant) return r;
  return {};
}

// Every look at this clock takes 25 us: a sample is one call, and their number is known.
BenchOptions bench_options(std::string_view variant) {
  BenchOptions o{.machine = cpu::this_machine()};
  o.variant = variant;
  o.ceilings = false;
  o.sampling = {.warm_up_us = 1000, .time_us = 5000, .sample_us = 20};
  o.now = [us = std::make_shared<double>(0)] { return *us += 25; };
  return o;
}

enum class Gate { verify, before_timing, after_timing };

struct Cheater {
  const char* variant;
  Gate gate;
  const char* says;  // part of the sentence it is refused with
};
void PrintTo(const Cheater& c, std::ostream* out) { *out << c.variant; }

constexpr Cheater kCheaters[] = {
    {"skips_after_first_call", Gate::verify, "elements of y are wrong"},
    {"reads_stale_output", Gate::verify, "elements of y are wrong"},
    {"returns_constants", Gate::verify, "elements of y are wrong"},
    {"keeps_answers", Gate::verify, "elements of y are wrong"},
    {"writes_behind", Gate::verify, "outside its buffers: 0 bytes behind the end of buffer y"},
    {"writes_before", Gate::verify, "wrote outside buffer y"},
    {"writes_far_before", Gate::verify, "wrote outside buffer y"},
    {"reads_behind", Gate::verify, "outside its buffers: 0 bytes behind the end of buffer q"},
    {"reads_before", Gate::verify, "outside its buffers: 4 bytes before buffer x"},
    {"ignores_tail", Gate::verify, "elements of y are wrong"},
    {"changes_inputs", Gate::verify, "wrote input buffer x"},
    {"restores_inputs", Gate::verify, "wrote input buffer x"},
    {"depends_on_threads", Gate::verify, "7 workers"},
    {"depends_on_order", Gate::verify, "workers played by one thread"},
    {"races", Gate::verify, "threads)"},
    {"uninitialised_workspace", Gate::verify, "elements of total are wrong"},
    {"leaves_one_unwritten", Gate::verify, "1 of 67 elements of y are wrong, the first at 33"},
    {"off_by_one_ulp", Gate::verify, "elements of y are wrong"},
    {"drops_nan_payload", Gate::verify, "elements of y are wrong"},
    {"drops_negative_zero", Gate::verify, "got 0, want -0"},
    {"knows_the_poison", Gate::verify, "elements of y are wrong"},
    {"follows_a_wild_pointer", Gate::verify, "a wild pointer"},
#if defined(__x86_64__)
    {"wants_alignment", Gate::verify, "wants more alignment than buffers() asks for"},
    {"unknown_instruction", Gate::verify, "an instruction that this machine lacks"},
#endif
    {"skips_when_timed", Gate::after_timing, "wrong after timing"},
    {"keeps_answers_when_timed", Gate::after_timing, "wrong after timing"},
    {"recognises_its_output", Gate::after_timing, "wrong after timing"},
    {"sleeps", Gate::before_timing, "waits instead of working"},
};

class CheaterTest : public testing::TestWithParam<Cheater> {};

TEST_P(CheaterTest, IsCaughtByItsGate) {
  const Cheater& c = GetParam();
  const VariantReport v = verify_one(c.variant);
  EXPECT_EQ(v.cases, 4);
  if (c.gate == Gate::verify) {
    ASSERT_GT(v.failed, 0);
    std::string all;
    for (const std::string& f : v.failures) all += f + '\n';
    EXPECT_NE(all.find(c.says), std::string::npos) << all;
  } else {
    ASSERT_TRUE(v.green()) << v.failures.front();  // only a timing run can catch it
  }
  toy::forget();
  const BenchReport b = bench(toy_view(), bench_options(c.variant));
  EXPECT_TRUE(b.results.empty());
  ASSERT_EQ(b.refused.size(), 1u);
  const std::string& why = b.refused.front();
  EXPECT_NE(why.find(c.gate == Gate::verify ? "not green" : c.says), std::string::npos) << why;
  EXPECT_EQ(why.find("wrong after timing") != std::string::npos, c.gate == Gate::after_timing);
}

INSTANTIATE_TEST_SUITE_P(Catalogue, CheaterTest, testing::ValuesIn(kCheaters),
                         [](const auto& info) { return std::string(info.param.variant); });

TEST(Cheaters, TheCatalogueIsComplete) {
  EXPECT_EQ(std::size(kCheaters) + 1, toy::Op::variants().size());
}

TEST(Cheaters, AnHonestVariantPassesEveryGateHotAndCold) {
  const VariantReport v = verify_one("honest");
  EXPECT_TRUE(v.green()) << (v.failures.empty() ? v.not_run : v.failures.front());
  for (bool cold : {false, true}) {
    for (int threads : {1, 2}) {
      BenchOptions o = bench_options("honest");
      o.layout = {.cold = cold, .cold_bytes = 4 << 20}, o.threads = {threads};
      o.machine.l3_bytes = 1 << 20;
      const BenchReport b = bench(toy_view(), o);
      ASSERT_EQ(b.results.size(), 1u) << (b.refused.empty() ? "" : b.refused.front());
      const BenchResult& r = b.results.front();
      EXPECT_EQ(r.median_us, 25) << "one call a sample, 25 us by the clock of the test";
      EXPECT_EQ(r.reps, 200);
      EXPECT_EQ(r.hot, !cold);
      EXPECT_EQ(r.footprint_bytes >= (4 << 20), cold);
      EXPECT_DOUBLE_EQ(r.gb_per_s, 9 * 256 / 25.0 * 1e-3);
    }
  }
}

TEST(Ceilings, ANamedOneIsMeasuredBesideTheVariant) {
  BenchOptions o = bench_options("honest");
  o.ceilings = true, o.ceiling = "portable_fp32_mac", o.now = steady_now_us;
  const BenchReport b = bench(toy_view(), o);
  ASSERT_EQ(b.results.size(), 1u);
  const BenchResult& r = b.results.front();
  EXPECT_EQ(r.ceiling.name, "portable_fp32_mac");
  EXPECT_GT(r.ceiling.value, 0);
  EXPECT_DOUBLE_EQ(r.share, r.gop_per_s / r.ceiling.value);
  o.ceiling = "none_such";
  EXPECT_NE(bench(toy_view(), o).refused.front().find("no ceiling none_such"), std::string::npos);
}

TEST(Ceilings, AMixIsNeverTheBestOfAnArithmetic) {
  const Machine& m = cpu::this_machine();
  EXPECT_EQ(compute_roof(m, 1, m.isas, Arithmetic::int8).ceiling.name.find("mix"),
            std::string::npos);
#if defined(__x86_64__)
  EXPECT_TRUE(is_roof("nvfp4_mix_zmm"));
#else
  EXPECT_FALSE(is_roof("nvfp4_mix_zmm"));  // its loop is not in this build
#endif
  EXPECT_TRUE(is_roof("portable_int16_mac"));
  EXPECT_FALSE(is_roof("mix"));
}

TEST(Cheaters, OneThatSleepsCannotBeABaseline) {
  toy::forget();
  const AbReport ab = compare_variants(toy_view(), "sleeps", "honest", bench_options(""));
  EXPECT_TRUE(ab.results.empty());
  EXPECT_NE(ab.refused.find("waits instead of working"), std::string::npos) << ab.refused;
}

TEST(MissingCases, AnOpNeedsMoreThanRandomInputs) {
  EXPECT_EQ(missing_cases(toy_view()), "");
  auto random_only = toy::cases();
  std::erase_if(random_only, [](const auto& c) { return c.name == "worst"; });
  EXPECT_NE(missing_cases(ErasedOp<toy::Op>(random_only)).find("adversarial"), std::string::npos);
  EXPECT_NE(missing_cases(ErasedOp<toy::Op>({})).find("no case"), std::string::npos);
}

TEST(Compare, AVariantAgainstItselfIsUndecided) {
  toy::forget();
  const AbReport ab = compare_variants(toy_view(), "honest", "honest", bench_options(""));
  ASSERT_EQ(ab.results.size(), 1u) << ab.refused;
  EXPECT_EQ(ab.results[0].verdict, Verdict::undecided);
  EXPECT_EQ(ab.results[0].ratio.value, 1);
}

}  // namespace
}  // namespace nibble::harness
