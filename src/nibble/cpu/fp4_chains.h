// Products of 4-bit panels and activations in float, in one order of sums for every ISA.
//
// 16 columns of a row are a chain, from zero, one rounding a sum; a block is one of them (NVFP4) or
// the sum of two (MXFP4), because longer chains leave processors waiting for themselves:
//
//   chain = chain + value * x      columns 2 0 3 1 6 4 7 5 of the first eight, then of the second
//   acc   = fma(block, scale, acc)           blocks in order; scale may have a factor of the token
//   y     = ((acc * factor) * w_scale[row]) * x_scale[token]      factor: a power of two
//
// value is e2m1 and x has no more than 8 significant bits, so the product has 10 and is exact. The
// order is that of vdpbf16ps on words of a panel's dwords: measured on four million random sums, it
// is two fma's, that of the upper words first. Unlike fma it takes subnormals for zeros and flushes
// results to zero. None arise: |x| is 0 or at least 2^-100, so a chain is a multiple of 2^-108, and
// times a scale of e4m3 of 2^-117. And |x| <= 2^120, so that no sum is infinite before the last.
#pragma once
#include <cstdint>

namespace nibble::cpu {

inline constexpr int kChainOrder[8] = {2, 0, 3, 1, 6, 4, 7, 5};
inline constexpr float kChainLeast = 0x1p-100f;  // smaller magnitudes are read as 0

// Where column c of eight stands in a dword of a panel.
constexpr int code_bit(int c) { return 8 * (c % 4) + c / 4 * 4; }

struct Fp4Chains {
  int64_t m = 0;
  int n = 0, k = 0;
  const uint8_t* w = nullptr;
  const float* w_scale = nullptr;   // [n]
  const float* x_scale = nullptr;   // [m], or null: 1
  const float* x_blocks = nullptr;  // [m][blocks of ldx columns], or null: 1
  float factor = 1;
  const void* x = nullptr;  // [m][ldx], as the ISA's header says, zeros from k on
  int64_t ldx = 0;          // columns of whole tiles
  float* y = nullptr;
  int64_t ldy = 0;
};

}  // namespace nibble::cpu
