// The machine this process runs on.
#pragma once
#include "nibble/base/machine.h"

namespace nibble::cpu {

// Read once from cpuid, xgetbv, sysfs and the affinity mask. An ISA counts only if the operating
// system saves its registers. GPU fields stay empty: nibble::cuda adds them where it is built.
const Machine& this_machine();

}  // namespace nibble::cpu
