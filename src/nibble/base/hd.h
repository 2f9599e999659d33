// Functions that host and device code share.
#pragma once

// Always inlined: an inline function that stays out of line is a weak symbol, and the linker might
// keep the copy that was compiled for AVX-512.
#ifdef __CUDACC__
#define NIBBLE_HD __host__ __device__ __attribute__((always_inline))
#else
#define NIBBLE_HD __attribute__((always_inline))
#endif

namespace nibble {

// std::bit_cast is a host function to nvcc.
template <class To, class From>
NIBBLE_HD constexpr To bit_cast(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, from);
}

}  // namespace nibble
