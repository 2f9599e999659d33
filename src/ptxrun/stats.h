// The counters of a run, as JSON.
#pragma once
#include <string>
#include <vector>

#include "machine.h"

namespace ptxrun {

// Empty, or a sentence that says why the file was not written.
std::string write_stats(const std::string& path, const Options& options,
                        const std::vector<const Kernel*>& kernels, const Report& report);

}  // namespace ptxrun
