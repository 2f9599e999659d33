// nibble bench OP --device: CUDA variants on this machine's GPU.
#pragma once
#include <string>

#include "command.h"

namespace nibble::app {

// Of one op or all; `variant` and `case_name` may be empty.
Exit bench_device(const std::string& op, const std::string& variant, const std::string& case_name,
                  bool json);

}  // namespace nibble::app
