#include "nibble/harness/machine.h"

#include "nibble/cpu/detect.h"
#include "nibble/cuda/device.h"

namespace nibble::harness {

const Machine& machine_with_device() {
  static const Machine machine = [] {
    Machine m = cpu::this_machine();
    // Without a device, or with one that does not answer, the CPU is what there is.
    if (cuda::device_count() > 0 && !cuda::add_device(m).ok()) return cpu::this_machine();
    return m;
  }();
  return machine;
}

}  // namespace nibble::harness
