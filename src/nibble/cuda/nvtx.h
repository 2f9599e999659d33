// A named range on the time line of NVIDIA's profilers; nothing where none is attached.
#pragma once

namespace nibble::cuda {

class Range {
 public:
  explicit Range(const char* name);
  ~Range();
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
};

}  // namespace nibble::cuda
