// Special registers: %tid.x and its kin, constant while a block runs. (%clock is op_move's.)
#pragma once
#include <cstdint>
#include <string_view>

#include "machine.h"

namespace ptxrun {

int special_named(std::string_view name);  // -1: there is none
uint64_t special_value(int which, const Warp& warp, int lane);

}  // namespace ptxrun
