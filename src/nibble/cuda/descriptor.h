// What tensor cores are told about their operands in shared memory, and how those lie there.
//
// An operand is a matrix whose rows run along K (K-major) in lines of `span` bytes, 32, 64 or 128,
// eight lines after one another, then the next eight. A swizzle of the same name exchanges pieces
// of 16 bytes so that neither eight rows of a column of pieces nor a row meet a bank twice: piece
// bits 4-6 of the address, as many as the span has, are exclusive-ored with bits 7-9. Tensor maps,
// ldmatrix and the tensor cores agree on it when the matrix begins at a multiple of 8 * span, or
// 1024, bytes.
//
// Without a swizzle the same eight rows of 16 bytes are 128 bytes in one: a core matrix.
#pragma once
#include <cstdint>

#include "nibble/base/hd.h"

namespace nibble::cuda {

enum class Swizzle : uint8_t { none, bytes32, bytes64, bytes128 };

NIBBLE_HD constexpr uint32_t span_of(Swizzle s) {
  return s == Swizzle::none ? 16 : s == Swizzle::bytes32 ? 32 : s == Swizzle::bytes64 ? 64 : 128;
}
// Where the byte at `offset` of the plain order lies, counted from a multiple of 1024.
NIBBLE_HD constexpr uint32_t swizzled(Swizzle s, uint32_t offset) {
  return offset ^ (offset >> 7 & (span_of(s) / 16 - 1)) << 4;
}
// Byte `byte` of row `row`, of a matrix that is one span wide.
NIBBLE_HD constexpr uint32_t operand_offset(Swizzle s, uint32_t row, uint32_t byte) {
  return swizzled(s, row * span_of(s) + byte);
}

namespace descriptor_detail {

NIBBLE_HD constexpr uint64_t sixteenths(uint32_t bytes, int at) {
  return uint64_t((bytes & 0x3ffff) >> 4) << at;
}
// Strides: `leading` from 16 bytes of K to the next without a swizzle (with one it says nothing),
// `groups` from eight rows to the next eight.
NIBBLE_HD constexpr uint64_t strides(Swizzle s, uint32_t address, uint32_t leading) {
  const uint32_t groups = s == Swizzle::none ? 128 : 8 * span_of(s);
  return sixteenths(address, 0) | sixteenths(leading, 16) | sixteenths(groups, 32);
}

}  // namespace descriptor_detail

// wgmma's of a K-major operand at this shared address. Along K, the next 32 bytes of a span are at
// the address 32 bytes on. Without a swizzle, `rows` follow each other before K goes on.
NIBBLE_HD constexpr uint64_t wgmma_descriptor(Swizzle s, uint32_t address, uint32_t rows) {
  const uint64_t mode = s == Swizzle::none ? 0 : 4 - uint64_t(s);  // 128: 1, 64: 2, 32: 3
  return descriptor_detail::strides(s, address, s == Swizzle::none ? 16 * rows : 16) | mode << 62;
}
// tcgen05's of the same operand.
NIBBLE_HD constexpr uint64_t tcgen05_descriptor(Swizzle s, uint32_t address, uint32_t rows) {
  const uint64_t mode = s == Swizzle::none ? 0 : 8 - 2 * uint64_t(s);  // 128: 2, 64: 4, 32: 6
  return descriptor_detail::strides(s, address, s == Swizzle::none ? 16 * rows : 16) |
         uint64_t(1) << 46 | mode << 61;
}

// What a tcgen05.mma multiplies, K-major operands: its element types, as its kind numbers them.
enum class Tcgen05Kind : uint8_t { bf16, e4m3, s8 };

// m: 64 or 128 rows; n: a multiple of 8 (m = 64) or 16, up to 256. Sums are f32, or s32 of s8.
NIBBLE_HD constexpr uint32_t tcgen05_instruction(Tcgen05Kind kind, uint32_t m, uint32_t n) {
  const uint32_t sums = kind == Tcgen05Kind::s8 ? 2 : 1;
  const uint32_t type = kind == Tcgen05Kind::e4m3 ? 0 : 1;  // bf16 and s8 are type 1 of theirs
  return sums << 4 | type << 7 | type << 10 | n / 8 << 17 | m / 16 << 24;
}
// Of 4-bit elements with scales: e4m3 for 16 columns (NVFP4), or ue8m0 for 32 (MXFP4). The words of
// scales begin with the first scale of K. m = 128.
NIBBLE_HD constexpr uint32_t tcgen05_instruction_scaled(bool ue8m0, uint32_t n) {
  return 1u << 7 | 1u << 10 | n / 8 << 17 | uint32_t(ue8m0) << 23 | 128 / 16 << 24;
}

// Drawn in the PTX manual: the 16-byte pieces of lines 0, 1, 7 and 8 under a swizzle of 128 bytes.
static_assert(operand_offset(Swizzle::bytes128, 0, 16) == 16);
static_assert(operand_offset(Swizzle::bytes128, 1, 0) == 128 + 16);
static_assert(operand_offset(Swizzle::bytes128, 7, 0) == 7 * 128 + 7 * 16);
static_assert(operand_offset(Swizzle::bytes128, 8, 32) == 8 * 128 + 32);
static_assert(operand_offset(Swizzle::bytes64, 2, 0) == 128 + 16);
static_assert(operand_offset(Swizzle::bytes64, 8, 16) == 512 + 16);
static_assert(operand_offset(Swizzle::bytes32, 3, 16) == 96 + 16);  // line 0 of 128 bytes
static_assert(operand_offset(Swizzle::bytes32, 4, 16) == 128);      // line 1: its pieces exchanged
static_assert(swizzled(Swizzle::none, 12345) == 12345);

// By hand from the tables of fields: start 0x400 is 0x40, 1024 bytes between groups are 0x40.
static_assert(wgmma_descriptor(Swizzle::bytes128, 0x400, 64) == 0x4000'0040'0001'0040);
static_assert(wgmma_descriptor(Swizzle::bytes64, 0x10000, 64) == 0x8000'0020'0001'1000);
static_assert(wgmma_descriptor(Swizzle::bytes32, 0, 64) == 0xc000'0010'0001'0000);
static_assert(wgmma_descriptor(Swizzle::none, 0, 64) == 0x0000'0008'0040'0000);
static_assert(tcgen05_descriptor(Swizzle::bytes128, 0x400, 128) == 0x4000'4040'0001'0040);
static_assert(tcgen05_descriptor(Swizzle::bytes32, 0, 128) == 0xc000'4010'0001'0000);
static_assert(tcgen05_instruction(Tcgen05Kind::bf16, 128, 256) == 0x0840'0490);
static_assert(tcgen05_instruction(Tcgen05Kind::e4m3, 128, 64) == 0x0810'0010);
static_assert(tcgen05_instruction(Tcgen05Kind::s8, 64, 8) == 0x0402'04a0);
static_assert(tcgen05_instruction_scaled(false, 128) == 0x0820'0480);

}  // namespace nibble::cuda
