// nibble bench OP --device [--once], nibble bench --ceilings --device: on this machine's GPU.
#pragma once
#include <string>

#include "command.h"
#include "nibble/harness/op_view.h"

namespace nibble::app {

struct DeviceBench {
  std::string op, variant, case_name;  // one op or "all"; the others may be empty
  bool once = false;                   // a launch of each, for tools that count
  bool least = false;                  // of an op's bench cases, the one of fewest bytes
  bool small = false;                  // small_case() of each variant
  bool json = false;
};
// Of what verify tries, the largest case that moves at most 64 KiB and that the variant takes: for
// tools that slow everything down. Empty if there is none.
std::string small_case(const harness::OpView& op, int variant);
Exit bench_device(const DeviceBench& b);
// What its memory and its tensor cores give at most.
Exit device_ceilings(bool json);

}  // namespace nibble::app
