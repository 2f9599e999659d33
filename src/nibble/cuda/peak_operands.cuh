// Operands of the kernels behind peaks.h: along K the same signs in every row, drawn without an
// order, so that every product is 1.
#pragma once
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/peak_kernels.h"

namespace nibble::cuda {

// Word w along K. kOne in every element, kSign the bits that negate them.
template <uint32_t kOne, uint32_t kSign>
__device__ __forceinline__ uint32_t signed_ones(uint32_t w) {
  return kOne | (kSign & (w + 1) * 0x9e3779b9u);
}
__device__ __forceinline__ uint32_t ones_bf16(uint32_t w) {
  return signed_ones<0x3f803f80, 0x80008000>(w);
}
__device__ __forceinline__ uint32_t ones_e4m3(uint32_t w) {
  return signed_ones<0x38383838, 0x80808080>(w);
}
__device__ __forceinline__ uint32_t ones_e2m1(uint32_t w) {
  return signed_ones<0x22222222, 0x88888888>(w);
}
// By whole words: -1 differs from 1 in more than a bit.
__device__ __forceinline__ uint32_t ones_s8(uint32_t w) {
  return w * 0x9e3779b9u >> 31 ? 0x01010101u : 0xffffffffu;
}

}  // namespace nibble::cuda
