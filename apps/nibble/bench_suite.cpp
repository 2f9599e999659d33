#include "bench_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "isa_limit.h"
#include "nibble/harness/ceilings.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"

namespace nibble::app {
namespace {

using nlohmann::json;

constexpr const char* kTexts[] = {"op", "case", "id", "isa", "variant", "l2_case", "bound"};

// A name, or an array of names; empty if it is neither.
std::vector<std::string> names(const json& value) {
  std::vector<std::string> all;
  for (const json& name : value.is_array() ? value : json::array({value})) {
    if (!name.is_string()) return {};
    all.push_back(name);
  }
  return all;
}

// What is wrong with an entry, or empty. Unknown keys are wrong: a misspelt one is not ignored.
std::string objection(const json& e) {
  if (!e.is_object() || !e.contains("op")) return "that is not {\"op\": name, \"case\": name}";
  for (const auto& [key, value] : e.items()) {
    if (key == "threads") {
      const bool counts = value.is_array() && !value.empty() &&
                          std::all_of(value.begin(), value.end(), [](const json& t) {
                            return t.is_number_integer() && t > 0 && t <= 4096;
                          });
      if (!counts) return "whose threads are no array of positive numbers";
    } else if (key == "cold") {
      if (!value.is_boolean()) return "whose cold is neither true nor false";
    } else if (key == "ceiling") {
      const std::vector<std::string> all = names(value);
      if (all.empty() || !std::all_of(all.begin(), all.end(), harness::is_roof))
        return "whose ceiling is none of those that `nibble bench --ceilings` prints";
    } else if (std::find(std::begin(kTexts), std::end(kTexts), key) == std::end(kTexts)) {
      return "with an unknown key \"" + key + "\"";
    } else if (!value.is_string()) {
      return "whose " + key + " is no string";
    }
  }
  if (e.contains("bound") && e["bound"] != "copy") return "whose bound is not \"copy\"";
  if (e.contains("l2_case") && !e.contains("ceiling")) return "with an l2_case and no ceiling";
  return {};
}

SuiteEntry parse(const json& e) {
  SuiteEntry entry{.id = e.value("id", ""), .case_name = e.value("case", "")};
  entry.threads = e.value("threads", std::vector<int>{});
  entry.isa = e.value("isa", ""), entry.variant = e.value("variant", "");
  entry.l2_case = e.value("l2_case", "");
  if (e.contains("ceiling")) entry.ceilings = names(e["ceiling"]);
  entry.cold = e.value("cold", false);
  if (e.contains("bound")) entry.ceilings = {"dram_copy"}, entry.cold = true;
  return entry;
}

bool has_case(const harness::OpView& op, const std::string& name) {
  for (int c = 0; c < op.num_cases(); ++c)
    if (op.case_info(c).name == name) return true;
  return false;
}

}  // namespace

Suite read_suite(const std::string& name) {
  const std::string file = name.find('/') == std::string::npos && !name.ends_with(".json")
                               ? "bench/suites/" + name + ".json"
                               : name;
  const auto all = json::parse(read_file(file), nullptr, false);
  if (!all.is_object() || !all.contains("entries") || !all["entries"].is_array())
    throw Error(file + " is no suite: it needs an array \"entries\" of {\"op\", \"case\"}");
  Suite suite;
  for (const auto& e : all["entries"]) {
    if (const std::string why = objection(e); !why.empty())
      throw Error(fmt::format("{} has an entry {}: {}", file, why, e.dump()));
    SuiteEntry entry = parse(e);
    const std::string op = e["op"], label = entry.id.empty() ? op : entry.id;
    entry.op = harness::find_op(op);
    if (entry.op == nullptr) {
      suite.missing.push_back(fmt::format("{}: no op is called {}", label, op));
      continue;
    }
    for (const std::string& c : {entry.case_name, entry.l2_case})
      if (!c.empty() && !has_case(*entry.op, c))
        suite.missing.push_back(fmt::format("{}: {} has no case {}", label, op, c)),
            entry.op = nullptr;
    if (entry.op != nullptr) suite.entries.push_back(std::move(entry));
  }
  return suite;
}

harness::BenchOptions options_of(const SuiteEntry& e, harness::BenchOptions o) {
  limit_isa(o.machine, e.isa);
  if (!e.threads.empty()) o.threads = e.threads;
  o.case_name = e.case_name, o.l2_case = e.l2_case;
  const auto first = std::find_if(e.ceilings.begin(), e.ceilings.end(), [&](const auto& name) {
    return harness::can_measure(o.machine, name);
  });
  // If there is none, one is asked for all the same, and refused by name.
  if (!e.ceilings.empty()) o.ceiling = first != e.ceilings.end() ? *first : e.ceilings.front();
  if (!e.variant.empty()) o.variant = e.variant;
  o.layout.cold |= e.cold;
  return o;
}

}  // namespace nibble::app
