// Tensor maps: what cuTensorMapEncodeTiled puts into its 128 opaque bytes, in our own form.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "access.h"

namespace ptxrun {

struct TensorMap {
  uint32_t magic = 0;
  uint8_t rank = 0, element_bytes = 0;
  uint8_t swizzle = 0;   // CUtensorMapSwizzle
  uint8_t nan_fill = 0;  // outside of the tensor: not-a-number instead of 0
  // Says nothing: programs change bits here. CUTLASS clears bit 21 of the second word of maps of
  // tensors below 128 KiB, against a defect of drivers up to 13.1.
  uint64_t second_word = 0;
  uint8_t type = 0;    // CUtensorMapDataType
  uint8_t packed = 0;  // elements of 4 bits, two to a byte
  std::array<uint16_t, 5> box{};
  std::array<uint8_t, 5> step{};   // through the tensor, in elements
  std::array<uint32_t, 5> last{};  // sizes less one, so that 2^32 fits
  uint64_t base = 0;
  std::array<uint64_t, 4> stride{};  // bytes, of dimensions 1 and up

  uint64_t size(int d) const { return uint64_t(last[size_t(d)]) + 1; }
  // Elements of the box in shared memory along a dimension.
  uint32_t extent(int d) const { return (box[size_t(d)] + step[size_t(d)] - 1u) / step[size_t(d)]; }
  uint32_t row_bytes() const { return extent(0) * element_bytes / (packed ? 2 : 1); }
  uint32_t box_bytes() const;
  bool is_whole() const;  // as it was written: nothing that is divided by is 0
};
static_assert(sizeof(TensorMap) <= 128 && offsetof(TensorMap, second_word) == 8);
inline constexpr uint32_t kTensorMapMagic = 0x70a4d61b;

// The permutation of 16-byte pieces of shared memory, of an address that starts at 0 or any
// multiple of 1024. `mode` is a CUtensorMapSwizzle.
uint32_t swizzled(uint32_t address, int mode);

// Reads the map at a generic address; throws Fault if there is none.
TensorMap tensor_map_at(Warp& warp, const Op& op, uint64_t address, int lane);

// One row of a box: bytes of the tensor's first dimension that are one after another in shared
// memory. Those in [first, end) are in the tensor, from `address` on, `step` elements apart.
struct BoxRow {
  uint32_t at;          // bytes from the box's begin, before the swizzle
  uint32_t first, end;  // elements of the row
  uint64_t address;     // of element `first`
};
// Rows of the box at `origin`, those that lie outside included (first == end).
void each_row(const TensorMap& map, const std::array<int32_t, 5>& origin,
              const std::function<void(const BoxRow&)>& f);

}  // namespace ptxrun
