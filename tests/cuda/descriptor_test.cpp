// Every byte of an operand lies where the tensor cores look for it, as ptxrun reads descriptors.
#include "nibble/cuda/descriptor.h"

#include <gtest/gtest.h>

#include "ptxrun/matrix.h"

namespace nibble::cuda {
namespace {

struct Place {
  Swizzle swizzle;
  uint32_t address, rows;

  uint32_t of(uint32_t row, uint32_t byte) const {
    if (swizzle != Swizzle::none) return address + operand_offset(swizzle, row, byte);
    return address + byte / 16 * 16 * rows + row * 16 + byte % 16;
  }
};

void expect_same(const ptxrun::SharedMatrix& m, const Place& p, uint32_t size) {
  const uint32_t bytes = p.swizzle == Swizzle::none ? 32 : span_of(p.swizzle);
  for (uint32_t row = 0; row < p.rows; ++row)
    for (uint32_t k = 0; k < bytes / size; ++k)
      ASSERT_EQ(m.at(row, k, size), p.of(row, k * size))
          << "row " << row << ", element " << k << " of " << size << " bytes, a span of "
          << span_of(p.swizzle);
}

TEST(Descriptor, PlacesOperands) {
  for (Swizzle s : {Swizzle::none, Swizzle::bytes32, Swizzle::bytes64, Swizzle::bytes128})
    for (uint32_t address : {0u, 1024u, 0x8400u, 0x33c00u})  // up to 227 KiB
      for (uint32_t rows : {8u, 64u, 128u, 256u})
        for (uint32_t size : {1u, 2u, 4u}) {
          const Place p{s, address, rows};
          expect_same(ptxrun::hopper_matrix(wgmma_descriptor(s, address, rows), false), p, size);
          expect_same(ptxrun::blackwell_matrix(tcgen05_descriptor(s, address, rows), false), p,
                      size);
        }
}

// The next 32 bytes along K are a descriptor of an address 32 bytes on, in a span that has them.
TEST(Descriptor, MovesAlongK) {
  for (Swizzle s : {Swizzle::bytes64, Swizzle::bytes128})
    for (uint32_t step = 0; step < span_of(s) / 32; ++step) {
      const Place p{s, 2048, 64};
      const auto hopper = ptxrun::hopper_matrix(wgmma_descriptor(s, 2048 + 32 * step, 64), false);
      const auto blackwell =
          ptxrun::blackwell_matrix(tcgen05_descriptor(s, 2048 + 32 * step, 64), false);
      for (uint32_t row = 0; row < 64; ++row)
        for (uint32_t byte = 0; byte < 32; ++byte) {
          ASSERT_EQ(hopper.at(row, byte, 1), p.of(row, 32 * step + byte));
          ASSERT_EQ(blackwell.at(row, byte, 1), p.of(row, 32 * step + byte));
        }
    }
}

// Eight rows of one column of 16-byte pieces, as ldmatrix reads them, lie in different banks.
TEST(Descriptor, SwizzlesKeepBanksApart) {
  for (Swizzle s : {Swizzle::bytes32, Swizzle::bytes64, Swizzle::bytes128})
    for (uint32_t piece = 0; piece < span_of(s) / 16; ++piece)
      for (uint32_t group = 0; group < 4; ++group) {
        uint32_t banks = 0;
        for (uint32_t row = 0; row < 8; ++row)
          banks |= 1u << operand_offset(s, 8 * group + row, 16 * piece) / 16 % 8;
        EXPECT_EQ(banks, 0xffu) << "span " << span_of(s) << ", piece " << piece;
      }
}

}  // namespace
}  // namespace nibble::cuda
