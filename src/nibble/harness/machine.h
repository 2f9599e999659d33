// The machine this process runs on with its GPU, if it has one: what verify runs variants on.
#pragma once
#include "nibble/base/machine.h"

namespace nibble::harness {

const Machine& machine_with_device();

}  // namespace nibble::harness
