#include "nibble/harness/proofs.h"

#include <bit>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "nibble/cuda/device.h"
#include "nibble/harness/replace_file.h"

namespace nibble::harness {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// Sorted by variant, then machine: a new proof changes one line of the file.
using Lines = std::map<std::pair<std::string, std::string>, std::string>;

std::pair<Level, std::string> ran(const VariantReport& r, const Machine& m, bool emulated) {
  if (is_cuda(r.needs)) return {cuda::is_virtual(m) ? Level::executed : Level::proven, m.gpu_model};
  if (emulated) return {Level::emulated, "an emulator on " + m.cpu_model};
  return {Level::proven, m.cpu_model};
}

// ptxrun does the same on all its virtual devices: only that of the variant's own architecture, the
// last bit, counts.
bool counts(const VariantReport& r, const Machine& m) {
  if (!is_cuda(r.needs) || !cuda::is_virtual(m)) return true;
  return std::bit_width(r.needs.bits) == std::bit_width((m.isas & Isa::any_cuda).bits);
}

Status read(const fs::path& file, Lines& lines) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto j = ordered_json::parse(line, nullptr, false);
    if (!j.is_object() || !j.contains("variant") || !j.contains("ran_on"))
      return Status::error(file.string() + " has a line that is not a proof: " + line);
    lines[{j["variant"], j["ran_on"]}] = line;
  }
  return {};
}

}  // namespace

Status write_proofs(const std::string& dir, const std::vector<VariantReport>& reports,
                    const Machine& machine, bool emulated) {
  std::map<std::string, std::vector<const VariantReport*>> by_op;
  for (const auto& r : reports)
    if (r.green() && counts(r, machine)) by_op[r.op].push_back(&r);
  for (const auto& [op, green] : by_op) {
    const fs::path file = fs::path(dir) / (op + ".jsonl");
    Lines lines;
    if (Status s = read(file, lines); !s.ok()) return s;
    for (const VariantReport* r : green) {
      const auto [level, ran_on] = ran(*r, machine, emulated);
      const ordered_json j = {{"op", op},
                              {"variant", r->variant},
                              {"level", to_string(level)},
                              {"ran_on", ran_on},
                              {"cases", r->cases},
                              {"worst", r->worst},
                              {"source_hash", source_hash(op, r->variant)}};
      lines[{r->variant, ran_on}] = j.dump();
    }
    std::string text;
    for (const auto& [key, line] : lines) text += line + "\n";
    if (Status s = replace_file(file.string(), text); !s.ok()) return s;
  }
  return {};
}

}  // namespace nibble::harness
