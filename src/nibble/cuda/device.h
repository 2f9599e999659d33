// The GPU of this process as data for selection. Compiled without CUDA too: there is no device
// then.
#pragma once
#include "nibble/base/machine.h"
#include "nibble/base/status.h"

namespace nibble::cuda {

// Which variants run on a device of this compute capability. Variants of sm80 and sm89 carry PTX
// that later devices compile for themselves; sm90a and sm100a are for one capability, sm120f for a
// family.
constexpr IsaSet isas_of(int major, int minor) {
  IsaSet s;
  if (major >= 8) s = s | Isa::sm80;
  if (major > 8 || (major == 8 && minor >= 9)) s = s | Isa::sm89;
  if (major == 9 && minor == 0) s = s | Isa::sm90a;
  if (major == 10 && minor == 0) s = s | Isa::sm100a;
  if (major == 12) s = s | Isa::sm120f;
  return s;
}
static_assert(isas_of(7, 5).empty() && isas_of(8, 6) == Isa::sm80);
static_assert(isas_of(9, 0) == (Isa::sm80 | Isa::sm89 | Isa::sm90a));
static_assert(isas_of(10, 3) == (Isa::sm80 | Isa::sm89));
static_assert(isas_of(12, 1).contains(Isa::sm120f));

// 0 where this build has no CUDA, or the machine no driver or device.
int device_count();

// Adds a device's name, instruction sets, multiprocessors and shared memory to `m`.
Status add_device(Machine& m, int device = 0);

// The virtual devices of ptxrun are CPUs: what ran on one is executed, not proven.
bool is_virtual(const Machine& m);

}  // namespace nibble::cuda
