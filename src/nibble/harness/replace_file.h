// A file of records that is there whole or as it was.
#pragma once
#include <string>

#include "nibble/base/status.h"

namespace nibble::harness {

// By way of `file`.tmp, which is not left behind. What is there already must be a regular file.
Status replace_file(const std::string& file, const std::string& text);

}  // namespace nibble::harness
