// A machine is data: selection and planning can be asked about machines we do not own.
#pragma once
#include <cstdint>
#include <string>

#include "nibble/base/isa.h"

namespace nibble {

// Cores whose relative instruction costs differ enough to change a choice.
enum class MicroArch : uint8_t { unknown, skylake_x, ice_lake, sapphire_rapids, zen3, zen4, zen5 };
std::string_view to_string(MicroArch);

struct Machine {
  IsaSet isas;  // CPU and, where a device is present, its architecture
  MicroArch uarch = MicroArch::unknown;
  int cores = 1;                 // logical processors this process may use
  int64_t l1d_bytes = 32 << 10;  // per core
  int64_t l2_bytes = 1 << 20;    // per core
  int64_t l3_bytes = 0;          // shared; 0: none or not reported
  int64_t page_bytes = 4096;
  bool transparent_huge_pages = false;  // madvise or always
  int64_t memory_bytes = 0;             // physical memory, 0: not known
  std::string cpu_model;
  std::string gpu_model;  // empty: no device
  int sm_count = 0;
  int64_t smem_bytes = 0;  // shared memory that one block may opt into

  bool has(IsaSet needs) const { return isas.contains(needs); }
  // The same machine with everything outside `allowed` switched off; GPU bits are kept out too
  // unless they are in `allowed`.
  Machine limited_to(IsaSet allowed) const {
    Machine m = *this;
    m.isas = m.isas & allowed;
    return m;
  }
};

}  // namespace nibble
