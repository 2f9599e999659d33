// nibble doctor [--json]: what this machine is, and what every op would run on it.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "nibble/cpu/detect.h"
#include "nibble/harness/explain.h"
#include "nibble/harness/machine.h"

namespace nibble::app {
namespace {

std::string size(int64_t bytes) {
  if (bytes == 0) return "not reported";
  if (bytes < 1 << 20) return fmt::format("{} KiB", bytes >> 10);
  if (bytes < int64_t(10) << 30) return fmt::format("{} MiB", bytes >> 20);
  return fmt::format("{} GiB", bytes >> 30);
}

std::string gpu(const Machine& m) {
  if (!m.gpu_model.empty()) return fmt::format("{}, {} multiprocessors", m.gpu_model, m.sm_count);
  if (std::string_view(NIBBLE_CUDA_BUILT).empty())
    return "none: this build has no CUDA variants (configure with -DNIBBLE_CUDA=ON)";
  return "none: no device was found";
}

// The first bench case speaks for an op, else its last case, which is the largest as a rule.
int telling_case(const harness::OpView& op) {
  for (int c = 0; c < op.num_cases(); ++c)
    if (op.case_info(c).bench) return c;
  return op.num_cases() - 1;
}

Exit doctor(bool json) {
  const Machine& m = cpu::this_machine();
  std::vector<harness::Choice> choices;
  for (const auto* op : harness::all_ops())
    if (op->num_cases() > 0)
      choices.push_back(harness::explain(*op, telling_case(*op), m, compiled_proofs()));
  int without = 0;
  for (const auto& c : choices) without += c.chosen < 0;

  if (json) {
    nlohmann::ordered_json j = {{"cpu_model", m.cpu_model},
                                {"isas", to_string(m.isas)},
                                {"uarch", to_string(m.uarch)},
                                {"cores", m.cores},
                                {"l1d_bytes", m.l1d_bytes},
                                {"l2_bytes", m.l2_bytes},
                                {"l3_bytes", m.l3_bytes},
                                {"page_bytes", m.page_bytes},
                                {"transparent_huge_pages", m.transparent_huge_pages},
                                {"memory_bytes", m.memory_bytes},
                                {"gpu", gpu(harness::machine_with_device())}};
    j["ops"] = nlohmann::ordered_json::array();
    for (const auto& c : choices)
      j["ops"].push_back({{"op", c.op}, {"case", c.case_name}, {"choice", c.sentence()}});
    fmt::print("{}\n", j.dump());
    return without ? 1 : 0;
  }
  fmt::print("cpu      {}, {}, {} cores\n", m.cpu_model, to_string(m.uarch), m.cores);
  fmt::print("isas     {}\n", to_string(m.isas));
  fmt::print("caches   L1d {}, L2 {}, L3 {}\n", size(m.l1d_bytes), size(m.l2_bytes),
             size(m.l3_bytes));
  fmt::print("pages    {}, huge pages {}\n", size(m.page_bytes),
             m.transparent_huge_pages ? "on demand" : "off: weights in 4 KiB pages read slower");
  fmt::print("memory   {}\n", size(m.memory_bytes));
  fmt::print("gpu      {}\n", gpu(harness::machine_with_device()));
  for (const auto& c : choices) fmt::print("op       {:<18} {}\n", c.op, c.sentence());
  if (without)
    fmt::print("{} of {} ops have no variant that may run: run scripts/prove.sh\n", without,
               choices.size());
  return without ? 1 : 0;
}

}  // namespace

void add_doctor(CLI::App& command, Exit& exit) {
  auto json = std::make_shared<bool>(false);
  command.add_flag("--json", *json, "one object");
  command.callback([json, &exit] { exit = doctor(*json); });
}

}  // namespace nibble::app
