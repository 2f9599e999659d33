// nibble bench OP|all [--case C] [--variant V|all] [--threads N] [--isa LIMIT] [--json]
//              [--cold] [--pages 2m|4k] [--ceiling NAME] [--with-baselines]
// nibble bench OP --ab BASELINE,CANDIDATE [--case C] [--json]
//              [--record ID --question Q --reopen-if R]
// nibble bench train [--case default|small|RECIPE] [--set KEY=VALUE]... [--threads N] [--json]
// nibble bench OP|all --device [--case C] [--variant V] [--once] [--least|--small]
//              [--json]
// nibble bench --suite NAME|FILE [--json]
// nibble bench --ceilings [--threads N | --device] [--json]
#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <memory>

#include "baselines.h"
#include "bench_device.h"
#include "bench_suite.h"
#include "bench_train.h"
#include "command.h"
#include "console.h"
#include "isa_limit.h"
#include "nibble/cpu/detect.h"
#include "nibble/harness/bench.h"
#include "nibble/harness/ledger.h"
#include "nibble/runtime/error.h"
#include "numbers.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string op, variant, case_name, isa, ab, suite, ceiling, pages = "2m";
  std::vector<std::string> set;
  std::string record, question, reopen_if, ledger = "bench/ledger.jsonl";
  int threads = 1;
  double seconds = 0;  // 0: 0.3 for each variant and case, 4 for train
  bool json = false, cold = false, ceilings = false, baselines = false;
  bool device = false, once = false, least = false, small = false;
};

// What a call does, and the flags that this heeds: others would be ignored in silence.
struct Mode {
  std::string_view what, flags;
};

Mode mode_of(const Flags& f) {
  if (!f.ab.empty())
    return {"--ab",
            " op --ab --case --threads --isa --seconds --cold --pages --json --record --question "
            "--reopen-if --ledger "};
  if (f.ceilings && f.device) return {"--ceilings --device", " --ceilings --device --json "};
  if (f.ceilings) return {"--ceilings", " --ceilings --threads --isa --json "};
  if (f.device) return {"--device", " op --device --case --variant --once --least --small --json "};
  if (f.op == "train") return {"train", " op --case --set --threads --seconds --json "};
  if (!f.suite.empty())
    return {"--suite",
            " --suite --variant --threads --isa --seconds --cold --pages --ceiling "
            "--with-baselines --json "};
  return {"an op alone",
          " op --case --variant --threads --isa --seconds --cold --pages --ceiling "
          "--with-baselines --json "};
}

void refuse_unheeded(const CLI::App& command, const Mode& mode) {
  for (const CLI::Option* o : command.get_options())
    if (o->count() > 0 && mode.flags.find(" " + o->get_name() + " ") == mode.flags.npos)
      throw Error(fmt::format("{} has no meaning with {}", o->get_name(), mode.what));
}

harness::BenchOptions options_from(const Flags& flags) {
  harness::BenchOptions o{.machine = cpu::this_machine()};
  o.threads = {flags.threads}, o.layout.cold = flags.cold;
  if (flags.pages == "4k") o.layout.pages = harness::Pages::small;
  o.variant = flags.variant, o.case_name = flags.case_name, o.ceiling = flags.ceiling;
  if (flags.seconds > 0) o.sampling.time_us = flags.seconds * 1e6;
  limit_isa(o.machine, flags.isa);
  return o;
}

const harness::OpView& op_named(const std::string& name) {
  if (const auto* op = harness::find_op(name)) return *op;
  std::string known = "all";
  for (const auto* op : harness::all_ops()) known += ", " + std::string(op->name());
  throw Error("no op is called '" + name + "': the ops are " + known);
}

void require_case(const harness::OpView& op, const std::string& name) {
  std::string known;
  for (int c = 0; c < op.num_cases(); ++c) {
    const auto info = op.case_info(c);
    if (info.name == name) return;
    if (info.bench) known += (known.empty() ? "" : ", ") + std::string(info.name);
  }
  throw Error(fmt::format("{} has no case '{}': its bench cases are {}", op.name(), name,
                          known.empty() ? "none" : known));
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

Exit print_ceilings(const Flags& flags) {
  const Machine machine = options_from(flags).machine;
  for (const auto& c : harness::all_ceilings(machine, flags.threads)) {
    if (flags.json)
      fmt::print("{}\n", harness::to_json(c, flags.threads));
    else
      fmt::print("{:<20} {:>3} threads {:>9.1f} {}  {}\n", c.name, flags.threads, c.value, c.unit,
                 c.pattern);
  }
  return 0;
}

Exit print_comparison(const Flags& flags) {
  if (flags.op == "train" || flags.op == "all")
    throw Error("--ab compares two variants of one op, not of " + flags.op);
  const size_t comma = flags.ab.find(',');
  if (comma == std::string::npos)
    throw Error("--ab wants two variants, BASELINE,CANDIDATE, got '" + flags.ab + "'");
  const auto& op = op_named(flags.op);
  if (!flags.case_name.empty()) require_case(op, flags.case_name);
  const auto report = harness::compare_variants(op, flags.ab.substr(0, comma),
                                                flags.ab.substr(comma + 1), options_from(flags));
  if (!report.refused.empty()) throw Error(report.refused);
  for (const auto& r : report.results)
    fmt::print("{}", flags.json ? harness::to_json(r) + "\n" : harness::to_sentence(r));
  if (!flags.record.empty()) {
    if (report.results.size() != 1)
      throw Error("--record wants one comparison: name one bench case with --case");
    throw_if(harness::append_record(
        flags.ledger, harness::record_of(report.results.front(), flags.record, today(),
                                         flags.question, flags.reopen_if)));
  }
  return report.results.empty() ? 77 : 0;
}

Exit bench(const Flags& flags) {
  if (!flags.ab.empty()) return print_comparison(flags);
  if (flags.ceilings) return flags.device ? device_ceilings(flags.json) : print_ceilings(flags);
  if (flags.device) {
    if (flags.op != "all") op_named(flags.op);
    return bench_device({.op = flags.op,
                         .variant = flags.variant,
                         .case_name = flags.case_name,
                         .once = flags.once,
                         .least = flags.least,
                         .small = flags.small,
                         .json = flags.json});
  }
  if (flags.op == "train") {
    TrainBench b{.set = flags.set, .threads = flags.threads, .json = flags.json};
    if (!flags.case_name.empty()) b.case_name = flags.case_name;
    if (flags.seconds > 0) b.seconds = flags.seconds;
    return bench_train(b);
  }
  if (!flags.ceiling.empty() && !harness::is_roof(flags.ceiling))
    throw Error("there is no ceiling '" + flags.ceiling + "': --ceilings prints their names");
  const harness::BenchOptions options = options_from(flags);
  Suite suite;
  if (!flags.suite.empty())
    suite = read_suite(flags.suite);
  else if (flags.op == "all")
    for (const auto* op : harness::all_ops())
      suite.entries.push_back({.op = op, .case_name = flags.case_name});
  else if (!flags.op.empty())
    suite.entries.push_back({.op = &op_named(flags.op)});
  else
    throw Error("say what to time: an op, all, --suite or --ceilings");

  std::vector<harness::BenchResult> all;
  std::unique_ptr<Baselines> baselines;
  if (flags.baselines) {
    baselines = std::make_unique<Baselines>();
    for (const std::string& why : baselines->absent()) tell(stderr, "absent  {}\n", why);
  }
  for (const std::string& why : suite.missing) tell(stderr, "missing  {}\n", why);
  bool refused = !suite.missing.empty();
  for (const SuiteEntry& e : suite.entries) {
    harness::BenchOptions o = options;
    if (!flags.suite.empty())
      o = options_of(e, options);
    else if (!flags.case_name.empty() && flags.op != "all")
      require_case(*e.op, flags.case_name);
    auto report = harness::bench(*e.op, o);
    for (const auto& why : report.refused) tell(stderr, "refused  {}\n", why);
    for (const auto& why : report.not_run) tell(stderr, "not run  {}\n", why);
    refused |= !report.refused.empty();
    for (auto& r : report.results) {
      r.id = e.id;
      if (flags.json) tell(stdout, "{}\n", harness::to_json(r));
      all.push_back(r);
      if (baselines == nullptr) continue;
      if (!flags.json) tell(stdout, "{}", harness::to_table({r}));
      for (const auto& b : baselines->compare(r, o.sampling.time_us * 1e-6))
        tell(stdout, "{}", flags.json ? to_json(b) + "\n" : "  " + to_sentence(b));
    }
  }
  if (all.empty() && !refused)
    print_error("nothing was timed: no such case or variant can run here");
  if (!flags.json && !all.empty() && !baselines) fmt::print("{}", harness::to_table(all));
  return refused ? 1 : all.empty() ? 77 : 0;
}

}  // namespace

void add_bench(CLI::App& command, Exit& exit) {
  auto flags = std::make_shared<Flags>();
  command.add_option("op", flags->op, "an op, all, or train: whole updates of the trainer");
  command.add_option("--case", flags->case_name, "only this case, also one that is no bench case");
  command.add_option("--variant", flags->variant, "this variant, or all; else the chosen one");
  command.add_option("--threads", flags->threads, "threads of the pool")->check(between(1, 1024));
  command.add_option("--isa", flags->isa, kIsaHelp);
  command.add_option("--set", flags->set, "with train: a field of the recipe, as in train.batch=8")
      ->take_all()
      ->expected(1);
  command.add_option("--seconds", flags->seconds, "of timed calls, for each variant and case")
      ->check(between(1e-4, 3600.0));
  auto* ab = command.add_option("--ab", flags->ab, "BASELINE,CANDIDATE: interleave two variants");
  auto* record =
      command.add_option("--record", flags->record, "with --ab: append the result under this id")
          ->needs(ab);
  command.add_option("--question", flags->question, "with --record: what was asked")->needs(record);
  command.add_option("--reopen-if", flags->reopen_if, "with --record: when to ask again")
      ->needs(record);
  command.add_option("--ledger", flags->ledger, "with --record: not bench/ledger.jsonl")
      ->needs(record);
  command.add_option("--suite", flags->suite, "a file, or the name of one in bench/suites");
  command.add_flag("--cold", flags->cold,
                   "rotate over copies: a GiB, or four times the last cache if that is more");
  command.add_option("--pages", flags->pages, "what memory stands in: 2m (if there are any) or 4k")
      ->check(CLI::IsMember({"2m", "4k"}))
      ->capture_default_str();
  command.add_option("--ceiling", flags->ceiling,
                     "what shares are of, by a name that --ceilings prints; else what binds");
  command.add_flag("--with-baselines", flags->baselines,
                   "time other libraries on the same shapes, and give ratios");
  command.add_flag("--device", flags->device,
                   "CUDA variants on the GPU: launches on cold copies, and its bandwidths");
  command.add_flag("--once", flags->once,
                   "with --device: one launch each, neither timed nor verified, for profilers");
  command.add_flag("--least", flags->least,
                   "with --device: of the bench cases, the first that moves the fewest bytes");
  command.add_flag("--small", flags->small,
                   "with --device: one small case for each variant, no bench case");
  command.add_flag("--ceilings", flags->ceilings, "what this machine gives at most");
  command.add_flag("--json", flags->json, "one object a line");
  command.callback([flags, &command, &exit] {
    if ((flags->once || flags->least || flags->small) && !flags->device)
      throw Error("--once, --least and --small are for the GPU: add --device");
    refuse_unheeded(command, mode_of(*flags));
    exit = bench(*flags);
  });
}

}  // namespace nibble::app
