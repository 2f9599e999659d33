// PTX: st.global.u32
#include "nibble/cuda/launch.cuh"
#include "nibble/ops/hash_noise/kernels.h"

namespace nibble::hash_noise {
namespace {

// Four neighbours a thread: about 40 (1 + terms) integer operations for 4 bytes, so that memory
// does not matter.
__global__ void __launch_bounds__(256, 8) hash_noise_fours(Args a, bool aligned) {
  const int64_t i = (int64_t(blockIdx.x) * 256 + threadIdx.x) * 4;
  if (i >= a.n) return;
  uint32_t four = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k)
    four |= uint32_t(uint8_t(ternary_noise(a.seed, a.first + uint64_t(i + k), a.terms))) << 8 * k;
  if (aligned && i + 4 <= a.n) {
    *reinterpret_cast<uint32_t*>(a.out + i) = four;
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; ++k)
    if (i + k < a.n) a.out[i + k] = int8_t(four >> 8 * k);
}

}  // namespace

void sm80(const Args& a, const Exec& e) {
  const bool aligned = reinterpret_cast<uintptr_t>(a.out) % 4 == 0;
  cuda::launch(hash_noise_fours, {.grid = unsigned((a.n + 1023) / 1024), .block = 256}, e, a,
               aligned);
}

}  // namespace nibble::hash_noise
