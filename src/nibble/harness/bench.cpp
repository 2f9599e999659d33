#include "nibble/harness/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/harness/timed_case.h"
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
  return !o.cold && timed.footprint_bytes() <= last;
}

// Fills in the figures that follow from the median, and the roof that binds.
void rate(BenchResult& r, const Work& work, IsaSet needs, const BenchOptions& o) {
  r.gb_per_s = double(work.bytes) / r.median_us * 1e-3;
  r.gop_per_s = double(work.ops) / r.median_us * 1e-3;
  if (!o.ceilings || is_cuda(needs)) return;
  if (o.of_copy) {
    r.ceiling = copy_ceiling(o.machine, r.threads);
    r.share = r.gb_per_s / r.ceiling.value;
    return;
  }
  const MemoryLevel level =
      o.cold ? MemoryLevel::dram : level_holding(r.footprint_bytes, r.threads, o.machine);
  const Machine same_isa = o.machine.limited_to(needs);
  const Ceiling read = read_ceiling(same_isa, r.threads, level);
  const Ceiling compute = compute_ceiling(same_isa, r.threads, needs, work.arithmetic);
  const double of_read = r.gb_per_s / read.value;
  const double of_compute = compute.value > 0 ? r.gop_per_s / compute.value : 0;
  r.ceiling = of_compute > of_read ? compute : read;
  r.share = std::max(of_read, of_compute);
}

}  // namespace

BenchReport bench(const OpView& op, const BenchOptions& o) {
  BenchReport report;
  const auto pool = o.threads > 1 ? cpu::make_pool(o.threads) : nullptr;
  for (int c : chosen_cases(op, o.case_name)) {
    const CaseInfo info = op.case_info(c);
    const std::vector<int> chosen = chosen_variants(op, *op.bind(c), o, report);
    if (chosen.empty()) continue;
    TimedCase timed(op, c, o.machine, o.cold);
    for (int v : chosen) {
      const auto refuse = [&](const std::string& why) {
        report.refused.push_back(fmt::format("{} case {}: {}", label(op, v), info.name, why));
      };
      std::string why = timed.invalid();
      if (why.empty()) why = unproven(op, v, o.machine);
      if (why.empty()) why = timed.green(v, pool.get());
      if (!why.empty()) {
        refuse(why);
        continue;
      }
      const Arm arm = timed.arm(v, pool.get());
      const Samples samples = sample({&arm, 1}, o.sampling, o.now).front();
      if (why = timed.still_green(v, pool.get()); !why.empty()) {
        refuse(why);
        continue;
      }
      BenchResult& r = report.results.emplace_back();
      r.op = op.name(), r.variant = op.variant(v).name, r.case_name = info.name;
      r.isa = to_string(op.variant(v).needs);
      r.threads = o.threads, r.reps = int(samples.us.size());
      r.median_us = median(samples.us);
      r.p10_us = quantile(samples.us, 0.1), r.p90_us = quantile(samples.us, 0.9);
      r.footprint_bytes = timed.footprint_bytes(), r.hot = is_hot(timed, o);
      r.rel_l2 = timed.rel_l2();
      r.cpu_model = o.machine.cpu_model, r.source_hash = source_hash(r.op, r.variant);
      rate(r, timed.bound().work(), op.variant(v).needs, o);
    }
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
  const auto pool = o.threads > 1 ? cpu::make_pool(o.threads) : nullptr;
  for (int c : chosen_cases(op, o.case_name)) {
    if (!report.refused.empty()) return report;
    TimedCase timed(op, c, o.machine, o.cold);
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
    r.threads = o.threads, r.rounds = int(s[0].us.size()), r.hot = is_hot(timed, o);
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
                    {"rel_l2", r.rel_l2},
                    {"cpu_model", r.cpu_model},
                    {"source_hash", r.source_hash}};
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
        "{:.1f} {}, {} {:.2f} MiB\n",
        r.op + "/" + r.variant, r.id.empty() ? r.case_name : r.id, r.threads, r.median_us, r.p10_us,
        r.p90_us, r.gb_per_s, r.gop_per_s, 100 * r.share, r.ceiling.name, r.ceiling.value,
        r.ceiling.unit, r.hot ? "hot" : "cold", double(r.footprint_bytes) / (1 << 20));
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
                      {"cpu_model", r.cpu_model},
                      {"baseline_hash", r.baseline_hash},
                      {"candidate_hash", r.candidate_hash}}
      .dump();
}

std::string to_sentence(const AbResult& r) {
  return fmt::format(
      "{} case {}, {} thread{}, {}: {} takes {:.2f} us, {} {:.2f} us: ratio {:.3f} [{:.3f}, "
      "{:.3f}] "
      "over {} rounds, noise {:.3f}: {} is {}\n",
      r.op, r.case_name, r.threads, r.threads == 1 ? "" : "s", r.hot ? "hot" : "cold", r.baseline,
      r.baseline_us, r.candidate, r.candidate_us, r.ratio.value, r.ratio.low, r.ratio.high,
      r.rounds, r.noise, r.candidate, to_string(r.verdict));
}

int bench_main(std::string_view name) {
  const OpView* op = find_op(name);
  if (!op) return fmt::print(stderr, "no op named {}\n", name), 1;
  BenchOptions options{.machine = cpu::this_machine()};
  options.variant = "all";
  std::vector<BenchResult> all;
  bool refused = false;
  for (int threads : {1, options.machine.cores}) {
    if (threads == 1 && !all.empty()) break;
    options.threads = threads;
    BenchReport report = bench(*op, options);
    all.insert(all.end(), report.results.begin(), report.results.end());
    for (const auto& why : report.refused) fmt::print(stderr, "refused  {}\n", why), refused = true;
    for (const auto& why : report.not_run) fmt::print(stderr, "not run  {}\n", why);
  }
  fmt::print("{}", to_table(all));
  return refused ? 1 : all.empty() ? 77 : 0;
}

}  // namespace nibble::harness
