// nibble verify OP|all [--variant V] [--case C] [--isa LIMIT] [--device [--small]] [--json]
//                      [--prove DIR [--emulated]]
// Exit status: 0 if something ran and all of it agreed, 77 if nothing could run, 1 otherwise.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "bench_device.h"
#include "command.h"
#include "console.h"
#include "isa_limit.h"
#include "nibble/harness/machine.h"
#include "nibble/harness/proofs.h"
#include "nibble/harness/verify.h"
#include "nibble/runtime/error.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string op, variant, case_name, isa, prove;
  bool json = false, emulated = false, device = false, small = false;
};

std::string known_ops() {
  std::string all = "all";
  for (const auto* op : harness::all_ops()) all += ", " + std::string(op->name());
  return all;
}

void print(const harness::VariantReport& r, const Machine& m, bool json) {
  if (json) {
    nlohmann::ordered_json j = {{"op", r.op},
                                {"variant", r.variant},
                                {"isa", to_string(r.needs)},
                                {"cases", r.cases},
                                {"failed", r.failed},
                                {"worst", r.worst},
                                {"ran_on", r.cases == 0       ? ""
                                           : is_cuda(r.needs) ? m.gpu_model
                                                              : m.cpu_model}};
    if (!r.not_run.empty()) j["not_run"] = r.not_run;
    if (!r.failures.empty()) j["failures"] = r.failures;
    fmt::print("{}\n", j.dump());
    return;
  }
  if (r.cases == 0)
    fmt::print("not run  {}/{}: {}\n", r.op, r.variant, r.not_run);
  else
    fmt::print("{}  {}/{}: {} cases, {} failed, worst {:.3g}\n", r.failed ? "FAILED " : "green  ",
               r.op, r.variant, r.cases, r.failed, r.worst);
  for (const std::string& f : r.failures) fmt::print("  {}\n", f);
}

// One small case of each variant that the device runs.
Exit verify_small(const Flags& flags) {
  if (!flags.device) throw Error("--small is for the GPU: add --device");
  if (!flags.prove.empty()) throw Error("a proof needs every case: leave out --small");
  harness::VerifyOptions options{.machine = harness::machine_with_device()};
  options.device_only = true;
  std::vector<harness::VariantReport> all;
  for (const auto* op : harness::all_ops()) {
    if (flags.op != "all" && op->name() != flags.op) continue;
    for (int v = 0; v < op->num_variants(); ++v) {
      const harness::VariantInfo variant = op->variant(v);
      if (!is_cuda(variant.needs) || !options.machine.has(variant.needs)) continue;
      options.variant = variant.name, options.case_name = small_case(*op, v);
      if (options.case_name.empty()) continue;
      harness::VariantReport r = harness::verify(*op, options)[size_t(v)];
      print(r, options.machine, flags.json);
      all.push_back(std::move(r));
    }
  }
  return harness::exit_code(all, true);
}

Exit verify(const Flags& flags) {
  if (flags.small) return verify_small(flags);
  harness::VerifyOptions options{.machine = harness::machine_with_device()};
  options.variant = flags.variant, options.case_name = flags.case_name;
  options.bench_cases = !flags.case_name.empty();
  options.emulated = flags.emulated, options.device_only = flags.device;
  limit_isa(options.machine, flags.isa);
  std::vector<harness::VariantReport> all;
  bool complete = true, case_known = flags.case_name.empty();
  for (const auto* op : harness::all_ops()) {
    if (flags.op != "all" && op->name() != flags.op) continue;
    for (int c = 0; c < op->num_cases(); ++c)
      case_known |= op->case_info(c).name == options.case_name;
    if (const std::string missing = harness::missing_cases(*op); !missing.empty()) {
      tell(stderr, "FAILED   {}\n", missing);
      complete = false;
    }
    for (auto& r : harness::verify(*op, options)) {
      if (!harness::names_variant(flags.variant, r.variant)) continue;
      print(r, options.machine, flags.json);
      all.push_back(std::move(r));
    }
  }
  if (all.empty())
    throw Error("nothing is called '" + flags.op +
                (flags.variant.empty() ? "" : "/" + flags.variant) + "': the ops are " +
                known_ops());
  if (!case_known) throw Error(flags.op + " has no case '" + flags.case_name + "'");
  if (!flags.prove.empty()) {
    if (!flags.case_name.empty()) throw Error("a proof needs every case: leave out --case");
    throw_if(harness::write_proofs(flags.prove, all, options.machine, flags.emulated));
  }
  return harness::exit_code(all, complete);
}

}  // namespace

void add_verify(CLI::App& command, Exit& exit) {
  auto flags = std::make_shared<Flags>();
  command.add_option("op", flags->op, "an op, or all")->required();
  auto* variant = command.add_option("--variant", flags->variant, "only this variant, or V,W");
  auto* named = command.add_option("--case", flags->case_name, "only this case");
  auto* isa = command.add_option("--isa", flags->isa, kIsaHelp);
  command.add_flag("--device", flags->device, "only variants for the GPU");
  command.add_flag("--small", flags->small, "with --device: one small case for each variant")
      ->excludes(variant)
      ->excludes(named)
      ->excludes(isa);
  command.add_flag("--json", flags->json, "one object a line");
  command.add_option("--prove", flags->prove,
                     "record green variants in this folder (bench/proofs)");
  command.add_flag("--emulated", flags->emulated,
                   "this run is under an emulator: relax what emulators get wrong about memory, "
                   "and say so in proofs");
  command.callback([flags, &exit] { exit = verify(*flags); });
}

}  // namespace nibble::app
