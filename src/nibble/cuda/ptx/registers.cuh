// Registers that move between the warpgroups of a block (setmaxnreg): by all four warps of one,
// kRegisters a thread, a multiple of 8 from 24 to 256. The kernel's __launch_bounds__ fix with how
// many it begins. sm_90a, sm_100a, sm_120f.
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

template <uint32_t kRegisters>
__device__ __forceinline__ void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
// Waits until others have given enough.
template <uint32_t kRegisters>
__device__ __forceinline__ void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

}  // namespace nibble::cuda::ptx
