// --isa: how much of a machine a command may use.
#pragma once
#include <string>

#include "nibble/base/machine.h"
#include "nibble/runtime/error.h"

namespace nibble::app {

inline constexpr const char* kIsaHelp = "use no more than: portable, avx2, avx_vnni, avx512";

// Empty: all of it.
inline void limit_isa(Machine& machine, const std::string& isa) {
  if (isa.empty()) return;
  IsaSet allowed;
  if (!parse_isa_limit(isa, allowed))
    throw Error("unknown --isa '" + isa + "': portable, avx2, avx_vnni and avx512 are known");
  machine = machine.limited_to(allowed);
}

}  // namespace nibble::app
