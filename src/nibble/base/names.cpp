#include "nibble/base/machine.h"
#include "nibble/base/proof.h"

namespace nibble {

std::string to_string(IsaSet s) {
  std::string out;
  for (const auto& [set, name] : kIsaNames) {
    // Some imply avx2: they are known by their own bits.
    const IsaSet own = set == Isa::avx2 ? set : set - Isa::avx2;
    if (!s.contains(own)) continue;
    if (!out.empty()) out += '+';
    out += name;
  }
  return out.empty() ? "portable" : out;
}

bool parse_isa_limit(std::string_view name, IsaSet& allowed) {
  if (name == "portable") return allowed = Isa::portable, true;
  if (name == "avx2") return allowed = Isa::avx2, true;
  if (name == "avx_vnni") return allowed = Isa::avx_vnni, true;
  if (name == "avx512") return allowed = Isa::any_cpu, true;
  return false;
}

std::string_view to_string(MicroArch u) {
  switch (u) {
    case MicroArch::skylake_x:
      return "skylake_x";
    case MicroArch::ice_lake:
      return "ice_lake";
    case MicroArch::sapphire_rapids:
      return "sapphire_rapids";
    case MicroArch::zen3:
      return "zen3";
    case MicroArch::zen4:
      return "zen4";
    case MicroArch::zen5:
      return "zen5";
    case MicroArch::unknown:
      break;
  }
  return "unknown";
}

namespace {
constexpr std::string_view kLevels[] = {"none", "compiled", "emulated", "executed", "proven"};
}  // namespace

std::string_view to_string(Level l) { return kLevels[static_cast<int>(l)]; }

bool parse_level(std::string_view name, Level& level) {
  for (int i = 0; i < 5; ++i)
    if (kLevels[i] == name) return level = static_cast<Level>(i), true;
  return false;
}

}  // namespace nibble
