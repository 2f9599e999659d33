// nibble explain OP|all [--case C] [--isa LIMIT] [--json]
#include "nibble/harness/explain.h"

#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "isa_limit.h"
#include "nibble/cpu/detect.h"
#include "nibble/runtime/error.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string op, case_name, isa;
  bool json = false;
};

void print(const harness::Choice& choice, bool json) {
  if (json) {
    fmt::print("{}\n", harness::to_json(choice));
    return;
  }
  fmt::print("{} case {}: {}\n", choice.op, choice.case_name, choice.sentence());
  for (const auto& c : choice.candidates)
    fmt::print("  {:<20} {:>12.4g} us  {:<9} {}\n", c.variant, c.cost_us, to_string(c.level),
               c.why_not.empty() ? "chosen" : c.why_not);
}

// Without --case, the bench cases speak for the op; an op without any is explained by all.
std::vector<int> cases_of(const harness::OpView& op, const std::string& name) {
  std::vector<int> named, bench, all;
  for (int c = 0; c < op.num_cases(); ++c) {
    const auto info = op.case_info(c);
    if (info.name == name) named.push_back(c);
    if (info.bench) bench.push_back(c);
    all.push_back(c);
  }
  return !name.empty() ? named : !bench.empty() ? bench : all;
}

Exit explain(const Flags& flags) {
  Machine machine = cpu::this_machine();
  limit_isa(machine, flags.isa);
  std::string known = "all";
  int explained = 0;
  for (const auto* op : harness::all_ops()) {
    known += ", " + std::string(op->name());
    if (flags.op != "all" && op->name() != flags.op) continue;
    for (int c : cases_of(*op, flags.case_name)) {
      print(harness::explain(*op, c, machine, compiled_proofs()), flags.json);
      ++explained;
    }
  }
  if (explained == 0 && harness::find_op(flags.op))
    throw Error(flags.op + " has no case '" + flags.case_name + "'");
  if (explained == 0) throw Error("no op is called '" + flags.op + "': the ops are " + known);
  return 0;
}

}  // namespace

void add_explain(CLI::App& command, Exit& exit) {
  auto flags = std::make_shared<Flags>();
  command.add_option("op", flags->op, "an op, or all")->required();
  command.add_option("--case", flags->case_name, "only this case; else the bench cases");
  command.add_option("--isa", flags->isa, kIsaHelp);
  command.add_flag("--json", flags->json, "one object a line");
  command.callback([flags, &exit] { exit = explain(*flags); });
}

}  // namespace nibble::app
