#include "nibble/harness/proofs.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

namespace nibble::harness {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// Sorted by variant, then machine: a new proof changes one line of the file.
using Lines = std::map<std::pair<std::string, std::string>, std::string>;

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
                    const std::string& ran_on, bool emulated) {
  std::map<std::string, std::vector<const VariantReport*>> by_op;
  for (const auto& r : reports)
    if (r.green()) by_op[r.op].push_back(&r);
  for (const auto& [op, green] : by_op) {
    const fs::path file = fs::path(dir) / (op + ".jsonl"), temporary = file.string() + ".tmp";
    Lines lines;
    if (Status s = read(file, lines); !s.ok()) return s;
    for (const VariantReport* r : green) {
      const ordered_json j = {{"op", op},
                              {"variant", r->variant},
                              {"level", to_string(emulated ? Level::emulated : Level::proven)},
                              {"ran_on", ran_on},
                              {"cases", r->cases},
                              {"worst", r->worst},
                              {"source_hash", source_hash(op, r->variant)}};
      lines[{r->variant, ran_on}] = j.dump();
    }
    std::ofstream out(temporary);
    for (const auto& [key, line] : lines) out << line << '\n';
    out.close();
    std::error_code failed;
    if (out) fs::rename(temporary, file, failed);
    if (!out || failed)
      return Status::error("cannot write " + file.string() + ": is the folder there and writable?");
  }
  return {};
}

}  // namespace nibble::harness
