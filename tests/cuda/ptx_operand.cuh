// Matrices of small whole numbers for the tests of tensor cores, so that every order of sums gives
// the same: rows of bytes along K, as they lie in memory.
#pragma once
#include "nibble/cuda/descriptor.h"
#include "nibble/numerics/bf16.h"
#include "ptx_test.cuh"

namespace ptx_test {

// An element: its bits as a struct says, in `bits` of them, and the number that is.
struct F16 {
  static constexpr int bits = 16;
  static uint32_t code(nibble::Random& r) {
    return nibble::to_fp16(float(int(r.below(17)) - 8)).bits;
  }
  static double value(uint32_t b) { return nibble::to_float(fp16{uint16_t(b)}); }
};
struct Bf16 {
  static constexpr int bits = 16;
  static uint32_t code(nibble::Random& r) {
    return nibble::to_bf16(float(int(r.below(17)) - 8)).bits;
  }
  static double value(uint32_t b) { return nibble::to_float(nibble::bf16{uint16_t(b)}); }
};
struct E4m3 {
  static constexpr int bits = 8;
  static uint32_t code(nibble::Random& r) {
    return nibble::to_e4m3_saturating(float(int(r.below(33)) - 16)).bits;
  }
  static double value(uint32_t b) { return nibble::to_float(nibble::e4m3{uint8_t(b)}); }
};
struct S8 {
  static constexpr int bits = 8;
  static uint32_t code(nibble::Random& r) { return r.next32() & 255; }
  static double value(uint32_t b) { return int8_t(b); }
};
struct E2m1 {
  static constexpr int bits = 4;
  static uint32_t code(nibble::Random& r) { return r.next32() & 15; }
  static double value(uint32_t b) { return nibble::to_float(nibble::e2m1{uint8_t(b)}); }
};

template <class Element>
void fill_operand(nibble::Random& random, uint32_t* words, int count) {
  for (int i = 0; i < count; ++i) {
    words[i] = 0;
    for (int bit = 0; bit < 32; bit += Element::bits) words[i] |= Element::code(random) << bit;
  }
}
template <class Element>
double element(const uint32_t* row, int k) {
  const int per = 32 / Element::bits;
  return Element::value(row[k / per] >> Element::bits * (k % per) & ((1u << Element::bits) - 1));
}
// The sum over K of rows of `words`, as bits of a float, or of an integer for S8.
template <class Element>
uint32_t sum_of_products(const uint32_t* a, const uint32_t* b, int words) {
  double sum = 0;
  for (int k = 0; k < words * 32 / Element::bits; ++k)
    sum += element<Element>(a, k) * element<Element>(b, k);
  if constexpr (std::is_same_v<Element, S8>) return uint32_t(int64_t(sum));
  return bit_cast<uint32_t>(float(sum));
}
template <class T>
__device__ uint32_t word_of(T x) {
  return __builtin_bit_cast(uint32_t, x);
}

// Operands for the tensor cores: rows of one span, which the threads bring where descriptor.h says.
// Without a swizzle that is core matrices, the 16 bytes of all rows before the next 16.
template <nibble::cuda::Swizzle kSwizzle>
struct Operand {
  static constexpr bool plain = kSwizzle == nibble::cuda::Swizzle::none;
  static constexpr int words = plain ? 8 : int(span_of(kSwizzle)) / 4;  // of a row
  static constexpr int steps = words / 8;                               // products along K
  static __device__ void store(uint32_t* to, const uint32_t* from, int rows) {
    for (int i = int(threadIdx.x); i < rows * words; i += int(blockDim.x)) {
      const int row = i / words, word = i % words;
      to[plain ? word / 4 * 4 * rows + row * 4 + word % 4
               : int(operand_offset(kSwizzle, uint32_t(row), uint32_t(4 * word))) / 4] = from[i];
    }
  }
};

// Scales that leave sums below 2^15 in units of 2^-8, exact in a float: 0.5 to 2 times 1 to 1.75,
// or 0.5 to 4.
struct E4m3Scales {
  static constexpr const char* name = "mma_nvfp4";
  static constexpr int per_row = 4, columns = 16;
  static uint8_t draw(nibble::Random& r) { return uint8_t(0x30 + r.below(0x18)) & 0xfe; }
  static double value(uint32_t b) { return nibble::to_float(nibble::e4m3{uint8_t(b)}); }
};
struct Ue8m0Scales {
  static constexpr const char* name = "mma_mxfp4";
  static constexpr int per_row = 2, columns = 32;
  static uint8_t draw(nibble::Random& r) { return uint8_t(126 + r.below(4)); }
  static double value(uint32_t b) { return bit_cast<float>(b << 23); }
};

// Rows of scales follow the elements, one word a row.
template <class Scales>
inline double scaled_sum(const uint32_t* a, const uint32_t* b, uint32_t sa, uint32_t sb) {
  double sum = 0;
  for (int k = 0; k < 64; ++k) {
    const int shift = 8 * (k / Scales::columns);
    sum += element<E2m1>(a, k) * element<E2m1>(b, k) * Scales::value(sa >> shift & 255) *
           Scales::value(sb >> shift & 255);
  }
  return sum;
}
template <class Scales>
void fill_scales(nibble::Random& random, uint32_t* words, int count) {
  for (int i = 0; i < count; ++i) {
    words[i] = 0;
    for (int k = 0; k < Scales::per_row; ++k) words[i] |= uint32_t(Scales::draw(random)) << 8 * k;
  }
}

}  // namespace ptx_test
