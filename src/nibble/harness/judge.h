// What verify says of one buffer after a run, wherever the run was.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "nibble/harness/memory.h"
#include "nibble/harness/verify.h"

namespace nibble::harness {

// `got` is the buffer after the run, `before` what the run found if it is an input, `want` what the
// reference made of it. What is wrong, or nothing; fills the report's error figures.
std::string judge(const Buffer& b, const std::byte* got, const std::vector<std::byte>& before,
                  const std::vector<std::byte>& want, Tolerance tolerance, VariantReport& report);

}  // namespace nibble::harness
