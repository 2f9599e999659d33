// Matrices that the tensor cores read from shared memory, and the values of their elements.
#pragma once
#include <cstdint>

#include "machine.h"
#include "types.h"

namespace ptxrun {

// The number that the low bits of `bits` are in format `t`: f16, bf16, tf32, e4m3, e5m2, e2m3,
// e3m2, e2m1, s8, u8, ue8m0, ue4m3.
using Value = double (*)(uint32_t bits);
Value value_of(Type t);  // null: not an element of a matrix

// A matrix in shared memory as a descriptor gives it: rows i (of M or N), columns k. Elements are
// in units of 8 rows by 16 bytes (or the transpose of that, `mn_major`), which a swizzle may have
// mixed; the two strides lead from unit to unit.
struct SharedMatrix {
  uint32_t start = 0;                // shared address
  uint32_t leading = 0, stride = 0;  // bytes
  int swizzle = 0;                   // bytes of a row that is permuted: 0, 32, 64, 128
  bool wide = false;                 // 128, in pieces of 32 bytes
  bool mn_major = false;

  // Shared address of element (i, k) of `size` bytes.
  uint32_t at(uint32_t i, uint32_t k, uint32_t size) const;
};
// Descriptors of wgmma and of tcgen05; throw Fault for what they do not allow.
SharedMatrix hopper_matrix(uint64_t descriptor, bool mn_major);
SharedMatrix blackwell_matrix(uint64_t descriptor, bool mn_major);

// Calls f(shared address) for every 16 bytes that `rows` x `columns` elements of `size` bytes lie
// in.
template <class F>
void each_sixteen(const SharedMatrix& m, uint32_t first_row, uint32_t rows, uint32_t columns,
                  uint32_t size, F&& f) {
  const uint32_t per = 16 / size;
  if (m.mn_major) {
    for (uint32_t k = 0; k < columns; ++k)
      for (uint32_t i = first_row; i < first_row + rows; i += per) f(m.at(i, k, size) & ~15u);
  } else {
    for (uint32_t i = first_row; i < first_row + rows; ++i)
      for (uint32_t k = 0; k < columns; k += per) f(m.at(i, k, size) & ~15u);
  }
}

// The sum of the products a[k] b[k] and of `old` as a tensor core with short accumulators forms it:
// every term is cut, toward zero, to a multiple of 2^-13 of the power of two of the largest.
double short_sum(const double* a, uint32_t a_step, const double* b, uint32_t b_step, uint32_t depth,
                 double old);
// To f32, toward zero.
float cut_to_float(double v);

// The bytes at a shared address of a block; throws Fault if they are not there.
const uint8_t* matrix_bytes(const Block& block, uint32_t address, uint32_t bytes);

}  // namespace ptxrun
