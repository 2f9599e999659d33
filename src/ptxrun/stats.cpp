#include "stats.h"

#include <fstream>
#include <map>

#include "registers.h"

namespace ptxrun {
namespace {

std::string quoted(const std::string& s) {
  std::string r = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') r += '\\';
    if (uint8_t(c) >= 32) r += c;
  }
  return r + "\"";
}
std::string field(const char* name, uint64_t value) {
  return std::string("\"") + name + "\": " + std::to_string(value);
}
std::string counts(const Count& c) {
  std::string s = field("warps", c.warps) + ", " + field("lanes", c.lanes);
  if (c.ideal_wavefronts)
    s += ", " + field("wavefronts", c.wavefronts) + ", " +
         field("ideal_wavefronts", c.ideal_wavefronts);
  if (c.ideal_sectors)
    s += ", " + field("sectors", c.sectors) + ", " + field("ideal_sectors", c.ideal_sectors);
  return s;
}

void kernel(std::ostream& out, const Kernel& k) {
  Count total;
  std::map<std::string, Count> mix;
  for (size_t i = 0; i < k.counts.size(); ++i) {
    add(total, k.counts[i]);
    if (k.counts[i].warps) add(mix[k.code[i].ins->opcode], k.counts[i]);
  }
  out << "    {\"name\": " << quoted(k.name) << ", \"registers\": " << registers_of(k)
      << ", \"total\": {" << counts(total) << "},\n     \"mix\": {";
  const char* separator = "";
  for (const auto& [opcode, c] : mix) {
    out << separator << "\n      " << quoted(opcode) << ": {" << counts(c) << "}";
    separator = ",";
  }
  // Single instructions that cost more than they had to.
  out << "},\n     \"excess\": [";
  separator = "";
  for (size_t i = 0; i < k.counts.size(); ++i) {
    const Op& op = k.code[i];
    const Count& c = k.counts[i];
    if (c.wavefronts <= c.ideal_wavefronts && c.sectors <= c.ideal_sectors) continue;
    out << separator << "\n      {\"line\": " << op.ins->line
        << ", \"source_line\": " << op.ins->source_line << ", \"text\": " << quoted(op.ins->text)
        << ", " << counts(c) << "}";
    separator = ",";
  }
  out << "]}";
}

}  // namespace

std::string write_stats(const std::string& path, const Options& options,
                        const std::vector<const Kernel*>& kernels, const Report& report) {
  std::ofstream out(path);
  out << "{\n  \"options\": " << quoted(write_options(options)) << ",\n  \"faults\": [";
  const char* separator = "";
  for (const Finding& f : report.findings()) {
    out << separator << "\n    {\"kind\": " << quoted(name_of(f.kind)) << ", \"times\": " << f.times
        << ", \"line\": " << f.line << ", \"source\": " << quoted(f.source)
        << ", \"text\": " << quoted(f.text) << ", \"what\": " << quoted(f.what) << "}";
    separator = ",";
  }
  out << "],\n  \"kernels\": [";
  separator = "\n";
  for (const Kernel* k : kernels) {
    out << separator;
    kernel(out, *k);
    separator = ",\n";
  }
  out << "]\n}\n";
  out.flush();
  return out ? "" : "the counters could not be written to " + path;
}

}  // namespace ptxrun
