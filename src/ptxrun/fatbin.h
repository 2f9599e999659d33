// The container in which nvcc embeds device code: a header, then entries of machine code or PTX.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace ptxrun {

struct PtxImage {
  int sm = 0;        // 90 of "sm_90a"
  std::string text;  // the PTX, as nvcc wrote it
};

struct FatBinary {
  std::vector<PtxImage> ptx;
  int machine_code = 0;    // entries that hold no PTX
  int compressed_ptx = 0;  // PTX entries we cannot read: compile with --compress-mode=none
  std::string error;       // empty if the container was understood
};

// `data` is what the wrapper given to __cudaRegisterFatBinary points at.
FatBinary read_fat_binary(const uint8_t* data);

}  // namespace ptxrun
