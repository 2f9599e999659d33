// Which instruction of dense products is quicker where, for the tables of ops.
#pragma once
#include "nibble/base/machine.h"

namespace nibble {

// vdpbf16ps against two FMAs of the same width: on AMD it does their work in half of their time, on
// Intel's server cores in twice of it. Elsewhere it is taken to gain nothing.
inline double bf16_dot_rate(const Machine& m) {
  if (m.uarch == MicroArch::zen4 || m.uarch == MicroArch::zen5) return 2;
  return m.uarch == MicroArch::sapphire_rapids ? 0.5 : 1;
}

}  // namespace nibble
