// nibble bench OP --device [--once], nibble bench --ceilings --device: on this machine's GPU.
#pragma once
#include <string>

#include "command.h"

namespace nibble::app {

// Of one op or all; `variant` and `case_name` may be empty. `once`: a launch of each, for tools
// that count.
Exit bench_device(const std::string& op, const std::string& variant, const std::string& case_name,
                  bool once, bool json);
// What its memory and its tensor cores give at most.
Exit device_ceilings(bool json);

}  // namespace nibble::app
