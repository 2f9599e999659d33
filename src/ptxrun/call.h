// Calls of device functions, and the functions that the device's own library would have.
#pragma once
#include <string_view>

#include "machine.h"

namespace ptxrun {

// Before a call: arguments into the callee's parameters; after it: its results to the caller.
void copy_arguments(Warp& warp, const Op& op, uint32_t mask);
void copy_results(Warp& warp, const Op& op, uint32_t mask);

// vprintf, __assertfail, malloc, free; null for others. op.list: places of the arguments, then of
// the result.
Handler builtin_named(std::string_view name);

}  // namespace ptxrun
