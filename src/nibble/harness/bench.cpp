#include "nibble/harness/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/harness/verify.h"

namespace nibble::harness {
namespace {

using nlohmann::ordered_json;

std::string label(const OpView& op, int variant) {
  return fmt::format("{}/{}", op.name(), op.variant(variant).name);
}

// Why a variant may not be timed: it has no fresh proof and is not green now either. Empty if it
// may. A verification is remembered for the process.
std::string unproven(const OpView& op, int variant, const Machine& machine) {
  static std::map<std::string, std::string> known;
  const std::string_view name = op.variant(variant).name;
  if (level_of(op.name(), name, compiled_proofs()) >= Level::executed) return {};
  const auto [at, missing] = known.try_emplace(label(op, variant));
  if (!missing) return at->second;
  VerifyOptions options{.machine = machine};
  options.variant = name;
  for (const VariantReport& r : verify(op, options)) {
    if (r.variant != name || r.green()) continue;
    at->second = "not green: " + (r.failures.empty() ? r.not_run : r.failures.front());
  }
  return at->second;
}

std::vector<int> chosen_cases(const OpView& op, const std::string& name) {
  std::vector<int> all;
  for (int c = 0; c < op.num_cases(); ++c)
    if (const CaseInfo info = op.case_info(c); name.empty() ? info.bench : info.name == name)
      all.push_back(c);
  return all;
}

std::vector<int> chosen_variants(const OpView& op, const BoundCase& bound, const BenchOptions& o,
                                 BenchReport& report) {
  std::vector<int> all;
  if (o.variant.empty()) {
    int best = bound.select(o.machine, compiled_proofs());
    // Nothing has been proven yet: the cheapest that can run, which is verified before it is timed.
    for (int v = 0; best < 0 && v < op.num_variants(); ++v) all.push_back(v);
    std::erase_if(
        all, [&](int v) { return !o.machine.has(op.variant(v).needs) || !bound.takes(v).empty(); });
    if (!all.empty())
      best = *std::min_element(all.begin(), all.end(), [&](int x, int y) {
        return bound.cost(x, o.machine) < bound.cost(y, o.machine);
      });
    if (best >= 0) return {best};
    report.not_run.push_back(fmt::format("{}: no variant can run here", op.name()));
    return {};
  }
  for (int v = 0; v < op.num_variants(); ++v) {
    const VariantInfo info = op.variant(v);
    if (o.variant != "all" && info.name != o.variant) continue;
    if (!o.machine.has(info.needs))
      report.not_run.push_back(fmt::format("{}: the machine lacks {}", label(op, v),
                                           to_string(info.needs - o.machine.isas)));
    else if (const auto why = bound.takes(v); !why.empty())
      report.not_run.push_back(fmt::format("{}: {}", label(op, v), why));
    else
      all.push_back(v);
  }
  return all;
}

bool is_hot(const TimedCase& timed, const BenchOptions& o) {
  const int64_t last = o.machine.l3_bytes ? o.machine.l3_bytes : o.machine.l2_bytes;
  return !o.layout.cold && timed.footprint_bytes() <= last / 3;
}

// What is sampled between the samples of a variant, and what a sample means.
struct Beside {
  Ceiling ceiling;
  double amount = 0;  // thousand bytes or operations of a call, for its rate
  Arm arm;
  std::vector<double> us = {};
};

Beside beside(const Roof& roof) {
  return {.ceiling = roof.ceiling, .amount = roof.amount, .arm = {.call = roof.call}};
}

// The roofs that a result is held against, by what was quickly measured of them and of it.
std::vector<Beside> roofs_of(const BenchResult& r, const TimedCase& timed, const Work& work,
                             IsaSet needs, double quick_us, const BenchOptions& o) {
  if (!o.ceilings || is_cuda(needs)) return {};
  if (!o.ceiling.empty()) {
    const Roof* roof = named_roof(o.machine, r.threads, o.ceiling);
    if (roof == nullptr) return {};
    return {beside(*roof)};
  }
  MemoryLevel level = o.layout.cold ? MemoryLevel::dram
                                    : level_holding(timed.footprint_bytes(), r.threads, o.machine);
  if (level == MemoryLevel::dram && o.layout.pages == Pages::small) level = MemoryLevel::dram_4k;
  const Machine same_isa = o.machine.limited_to(needs);
  const Roof& read = read_roof(same_isa, r.threads, level);
  const Roof& compute = compute_roof(same_isa, r.threads, needs, work.arithmetic);
  const double of_read = double(work.bytes) / quick_us * 1e-3 / read.ceiling.value;
  const double of_compute =
      compute.amount > 0 ? double(work.ops) / quick_us * 1e-3 / compute.ceiling.value : 0;
  return {beside(of_compute > of_read ? compute : read)};
}

// Samples of the variant in blocks, with a block of each roof before, between and behind them:
// what slows the machine for a while slows both. Not sample by sample, so that a variant which
// lives in a cache finds its data there again.
Samples sample_between(const Arm& arm, std::vector<Beside>& roofs, const BenchOptions& o) {
  if (roofs.empty()) return sample({&arm, 1}, o.sampling, o.now).front();
  constexpr int kBlocks = 5;
  Sampling block = o.sampling;
  block.warm_up_us /= 4, block.time_us /= kBlocks;
  block.min_samples = (block.min_samples + kBlocks - 1) / kBlocks;
  Sampling of_roof = block;
  of_roof.time_us /= 2, of_roof.warm_up_us /= 4;
  const auto append = [](std::vector<double>& to, const Samples& from) {
    to.insert(to.end(), from.us.begin(), from.us.end());
  };
  const auto sample_roofs = [&] {
    for (Beside& b : roofs) append(b.us, sample({&b.arm, 1}, of_roof, o.now).front());
  };
  Samples all;
  sample_roofs();
  for (int i = 0; i < kBlocks; ++i) {
    const Samples s = sample({&arm, 1}, block, o.now).front();
    append(all.us, s), all.calls = s.calls;
    sample_roofs();
  }
  for (Beside& b : roofs) b.ceiling.value = b.amount / median(b.us);
  return all;
}

// Fills in the figures that follow from the median, and the roof that binds.
void rate(BenchResult& r, const Work& work, const std::vector<Beside>& roofs) {
  r.gb_per_s = double(work.bytes) / r.median_us * 1e-3;
  r.gop_per_s = double(work.ops) / r.median_us * 1e-3;
  for (const Beside& b : roofs) {
    if (r.ceiling.name.empty()) {
      r.ceiling = b.ceiling;
    } else if (b.ceiling.value < r.ceiling.value) {
      r.others.push_back(r.ceiling), r.ceiling = b.ceiling;
    } else {
      r.others.push_back(b.ceiling);
    }
  }
  if (r.ceiling.value > 0)
    r.share = (r.ceiling.unit == "GB/s" ? r.gb_per_s : r.gop_per_s) / r.ceiling.value;
}

int case_named(const OpView& op, const std::string& name) {
  for (int c = 0; c < op.num_cases(); ++c)
    if (op.case_info(c).name == name) return c;
  return -1;
}

// One variant on one case, for every number of threads.
class Timing {
 public:
  Timing(const OpView& op, int variant, TimedCase& timed, TimedCase* l2, const CaseInfo& info,
         const BenchOptions& o, BenchReport& report)
      : op_(op), v_(variant), timed_(timed), l2_(l2), info_(info), o_(o), report_(report) {}

  void run() {
    std::string why = timed_.invalid();
    if (why.empty() && l2_ != nullptr) why = l2_->invalid();
    if (why.empty()) why = unproven(op_, v_, o_.machine);
    if (why.empty() && l2_ != nullptr) why = l2_->green(v_, nullptr);
    for (const int threads : o_.threads) {
      if (why.empty()) why = time(threads);
      if (why.empty()) continue;
      report_.refused.push_back(fmt::format("{} case {}: {}", label(op_, v_), info_.name, why));
      return;
    }
  }

 private:
  std::string time(int threads) {
    const auto pool = threads > 1 ? cpu::make_pool(threads) : nullptr;
    if (std::string why = timed_.green(v_, pool.get()); !why.empty()) return why;
    const Work work = timed_.bound().work();
    const IsaSet needs = op_.variant(v_).needs;
    const Arm arm = timed_.arm(v_, pool.get());
    BenchResult r{.op = std::string(op_.name()), .variant = std::string(op_.variant(v_).name)};
    r.case_name = info_.name, r.isa = to_string(needs), r.threads = threads;
    r.footprint_bytes = timed_.footprint_bytes(), r.hot = is_hot(timed_, o_);
    r.cold = o_.layout.cold;
    r.pages = timed_.pages();

    Sampling quick = o_.sampling;
    quick.time_us /= 20;
    const double quick_us =
        o_.ceilings && o_.ceiling.empty() ? median(sample({&arm, 1}, quick, o_.now)[0].us) : 1;
    std::vector<Beside> roofs = roofs_of(r, timed_, work, needs, quick_us, o_);
    if (o_.ceilings && !o_.ceiling.empty() && roofs.empty())
      return "this machine has no ceiling " + o_.ceiling;
    if (l2_ != nullptr && !roofs.empty())
      roofs.push_back({.ceiling = {.name = "own_l2_rate", .unit = "GB/s", .pattern = o_.l2_case},
                       .amount = 1e-3 * double(l2_->bound().work().bytes * threads),
                       .arm = l2_->arm(v_, nullptr)});
    const Samples samples = sample_between(arm, roofs, o_);
    if (std::string why = timed_.still_green(v_, pool.get()); !why.empty()) return why;
    if (std::string why; l2_ != nullptr && !(why = l2_->still_green(v_, nullptr)).empty())
      return why;
    r.reps = int(samples.us.size()), r.median_us = median(samples.us);
    r.p10_us = quantile(samples.us, 0.1), r.p90_us = quantile(samples.us, 0.9);
    r.rel_l2 = timed_.rel_l2();
    r.cpu_model = o_.machine.cpu_model, r.source_hash = source_hash(r.op, r.variant);
    rate(r, work, roofs);
    report_.results.push_back(std::move(r));
    return {};
  }

  const OpView& op_;
  int v_;
  TimedCase& timed_;
  TimedCase* l2_;
  CaseInfo info_;
  const BenchOptions& o_;
  BenchReport& report_;
};

}  // namespace

BenchReport bench(const OpView& op, const BenchOptions& o) {
  BenchReport report;
  for (int c : chosen_cases(op, o.case_name)) {
    const CaseInfo info = op.case_info(c);
    const std::vector<int> chosen = chosen_variants(op, *op.bind(c), o, report);
    if (chosen.empty()) continue;
    TimedCase timed(op, c, o.machine, o.layout);
    std::unique_ptr<TimedCase> l2;
    if (const int small = case_named(op, o.l2_case); small >= 0)
      l2 = std::make_unique<TimedCase>(op, small, o.machine, Layout{.pages = o.layout.pages});
    else if (!o.l2_case.empty())
      report.refused.push_back(fmt::format("{} has no case {}", op.name(), o.l2_case));
    for (int v : chosen) Timing(op, v, timed, l2.get(), info, o, report).run();
  }
  return report;
}

AbReport compare_variants(const OpView& op, const std::string& baseline,
                          const std::string& candidate, const BenchOptions& o) {
  AbReport report;
  const auto find = [&](const std::string& name) {
    for (int v = 0; v < op.num_variants(); ++v)
      if (op.variant(v).name == name) return v;
    report.refused = fmt::format("{} has no variant {}", op.name(), name);
    return -1;
  };
  const int pair[2] = {find(baseline), find(candidate)};
  const int threads = o.threads.front();
  const auto pool = threads > 1 ? cpu::make_pool(threads) : nullptr;
  for (int c : chosen_cases(op, o.case_name)) {
    if (!report.refused.empty()) return report;
    TimedCase timed(op, c, o.machine, o.layout);
    const auto refusal_of = [&](int v) -> std::string {
      if (!timed.invalid().empty()) return timed.invalid();
      if (const IsaSet lacks = op.variant(v).needs - o.machine.isas; !lacks.empty())
        return "the machine lacks " + to_string(lacks);
      if (const auto why = timed.bound().takes(v); !why.empty()) return std::string(why);
      if (std::string why = unproven(op, v, o.machine); !why.empty()) return why;
      return timed.green(v, pool.get());
    };
    for (int v : pair)
      if (const std::string why = refusal_of(v); !why.empty() && report.refused.empty())
        report.refused = label(op, v) + ": " + why;
    if (!report.refused.empty()) return report;

    const Arm arms[3] = {timed.arm(pair[0], pool.get()), timed.arm(pair[1], pool.get()),
                         timed.arm(pair[0], pool.get())};
    const std::vector<Samples> s = sample(arms, o.sampling, o.now);
    for (int v : pair)
      if (const std::string why = timed.still_green(v, pool.get()); !why.empty())
        report.refused = label(op, v) + ": " + why;
    AbResult& r = report.results.emplace_back();
    r.op = op.name(), r.case_name = op.case_info(c).name;
    r.baseline = baseline, r.candidate = candidate;
    r.threads = threads, r.rounds = int(s[0].us.size()), r.hot = is_hot(timed, o);
    r.cold = o.layout.cold, r.pages = timed.pages();
    r.baseline_us = median(s[0].us), r.candidate_us = median(s[1].us);
    r.ratio = ratio_of_medians(s[0].us, s[1].us);
    r.noise = noise_floor(ratio_of_medians(s[0].us, s[2].us));
    r.verdict = judge(r.ratio, r.noise);
    r.cpu_model = o.machine.cpu_model;
    r.baseline_hash = source_hash(op.name(), baseline);
    r.candidate_hash = source_hash(op.name(), candidate);
  }
  if (!report.refused.empty()) report.results.clear();
  return report;
}

std::string_view memory_name(bool hot, bool cold) {
  return hot ? "hot" : cold ? "cold" : "one copy";
}

std::string to_json(const BenchResult& r) {
  ordered_json json{{"op", r.op},
                    {"variant", r.variant},
                    {"isa", r.isa},
                    {"case", r.case_name},
                    {"threads", r.threads},
                    {"median_us", r.median_us},
                    {"p10_us", r.p10_us},
                    {"p90_us", r.p90_us},
                    {"reps", r.reps},
                    {"gb_per_s", r.gb_per_s},
                    {"gop_per_s", r.gop_per_s},
                    {"ceiling", r.ceiling.value},
                    {"ceiling_name", r.ceiling.name},
                    {"share", r.share},
                    {"footprint_bytes", r.footprint_bytes},
                    {"hot", r.hot},
                    {"cold", r.cold},
                    {"rel_l2", r.rel_l2},
                    {"cpu_model", r.cpu_model},
                    {"source_hash", r.source_hash}};
  json["pages"] = r.pages, json["ceiling_unit"] = r.ceiling.unit;
  for (const Ceiling& c : r.others) json["other_ceilings"][c.name] = c.value;
  if (!r.id.empty()) json["id"] = r.id;
  return json.dump();
}

std::string to_json(const Ceiling& c, int threads) {
  return ordered_json{{"ceiling", c.name},
                      {"threads", threads},
                      {"value", c.value},
                      {"unit", c.unit},
                      {"pattern", c.pattern}}
      .dump();
}

std::string to_table(const std::vector<BenchResult>& results) {
  std::string s =
      fmt::format("{:<32} {:<30} {:>3} {:>11} {:>11} {:>11} {:>8} {:>9} {:>7}  {}\n", "variant",
                  "case", "thr", "median us", "p10", "p90", "GB/s", "GOP/s", "share", "of");
  for (const BenchResult& r : results)
    s += fmt::format(
        "{:<32} {:<30} {:>3} {:>11.2f} {:>11.2f} {:>11.2f} {:>8.2f} {:>9.2f} {:>6.1f}%  {} "
        "{:.1f} {}, {} {:.2f} MiB, pages of {}\n",
        r.op + "/" + r.variant, r.id.empty() ? r.case_name : r.id, r.threads, r.median_us, r.p10_us,
        r.p90_us, r.gb_per_s, r.gop_per_s, 100 * r.share, r.ceiling.name, r.ceiling.value,
        r.ceiling.unit, memory_name(r.hot, r.cold), double(r.footprint_bytes) / (1 << 20), r.pages);
  return s;
}

std::string to_json(const AbResult& r) {
  return ordered_json{{"op", r.op},
                      {"case", r.case_name},
                      {"baseline", r.baseline},
                      {"candidate", r.candidate},
                      {"threads", r.threads},
                      {"rounds", r.rounds},
                      {"baseline_us", r.baseline_us},
                      {"candidate_us", r.candidate_us},
                      {"ratio", r.ratio.value},
                      {"ratio_low", r.ratio.low},
                      {"ratio_high", r.ratio.high},
                      {"noise", r.noise},
                      {"verdict", to_string(r.verdict)},
                      {"hot", r.hot},
                      {"cold", r.cold},
                      {"pages", r.pages},
                      {"cpu_model", r.cpu_model},
                      {"baseline_hash", r.baseline_hash},
                      {"candidate_hash", r.candidate_hash}}
      .dump();
}

std::string to_sentence(const AbResult& r) {
  return fmt::format(
      "{} case {}, {} thread{}, {}, pages of {}: {} takes {:.2f} us, {} {:.2f} us: ratio {:.3f} "
      "[{:.3f}, "
      "{:.3f}] "
      "over {} rounds, noise {:.3f}: {} is {}\n",
      r.op, r.case_name, r.threads, r.threads == 1 ? "" : "s", memory_name(r.hot, r.cold), r.pages,
      r.baseline, r.baseline_us, r.candidate, r.candidate_us, r.ratio.value, r.ratio.low,
      r.ratio.high, r.rounds, r.noise, r.candidate, to_string(r.verdict));
}

int bench_main(std::string_view name, int argc, const char* const* argv) {
  if (argc > 1) {
    fmt::print(stderr,
               "{}_bench takes no arguments, but was given {}: nibble bench {} takes some, see "
               "--help\n",
               name, argv[1], name);
    return 2;
  }
  const OpView* op = find_op(name);
  if (!op) return fmt::print(stderr, "no op named {}\n", name), 1;
  BenchOptions options{.machine = cpu::this_machine()};
  options.variant = "all";
  if (options.machine.cores > 1) options.threads.push_back(options.machine.cores);
  const BenchReport report = bench(*op, options);
  for (const auto& why : report.refused) fmt::print(stderr, "refused  {}\n", why);
  for (const auto& why : report.not_run) fmt::print(stderr, "not run  {}\n", why);
  fmt::print("{}", to_table(report.results));
  return !report.refused.empty() ? 1 : report.results.empty() ? 77 : 0;
}

}  // namespace nibble::harness
