#include "tensor_map.h"

namespace ptxrun {

uint32_t TensorMap::box_bytes() const {
  uint32_t n = row_bytes();
  for (int d = 1; d < rank; ++d) n *= extent(d);
  return n;
}

bool TensorMap::is_whole() const {
  if (magic != kTensorMapMagic || rank < 1 || rank > 5) return false;
  for (size_t d = 0; d < rank; ++d)
    if (box[d] == 0 || step[d] == 0) return false;
  return row_bytes() != 0;
}

// 16-byte piece ^= row of 128 bytes, of as many bits as the span has pieces; the later modes move
// pieces of 32 and of 64 bytes.
uint32_t swizzled(uint32_t address, int mode) {
  switch (mode) {
    case 1:
      return address ^ (address >> 7 & 1) << 4;
    case 2:
      return address ^ (address >> 7 & 3) << 4;
    case 3:
      return address ^ (address >> 7 & 7) << 4;
    case 4:
      return address ^ (address >> 7 & 3) << 5;
    case 6:
      return address ^ (address >> 7 & 1) << 6;
    default:
      return address;
  }
}

TensorMap tensor_map_at(Warp& w, const Op& op, uint64_t address, int lane) {
  uint8_t bytes[128];
  for (uint32_t half = 0; half < 128; half += 64)
    std::memcpy(bytes + half, resolve(w, op, Space::generic, address + half, 64, lane, false), 64);
  TensorMap map;
  std::memcpy(&map, bytes, sizeof map);
  if (!map.is_whole())
    throw Fault{FaultKind::misuse,
                map.magic == kTensorMapMagic
                    ? "the tensor map at the address given was overwritten"
                    : "there is no tensor map at the address given: it must be one that "
                      "cuTensorMapEncodeTiled wrote",
                1u << lane};
  return map;
}

void each_row(const TensorMap& m, const std::array<int32_t, 5>& origin,
              const std::function<void(const BoxRow&)>& f) {
  std::array<uint32_t, 5> i{};
  const int64_t x = origin[0], size = int64_t(m.size(0)), step = m.step[0];
  const uint32_t extent = m.extent(0);
  // elements e with 0 <= x + e * step < size
  const int64_t from = x < 0 ? (-x + step - 1) / step : 0;
  const int64_t to = x < size ? (size - x + step - 1) / step : 0;
  const uint32_t first = uint32_t(std::min<int64_t>(from, extent));
  const uint32_t end = uint32_t(std::min<int64_t>(std::max<int64_t>(to, first), extent));
  const uint32_t rows = m.box_bytes() / m.row_bytes();
  for (uint32_t row = 0; row < rows; ++row) {
    bool inside = true;
    uint64_t address = m.base;
    for (int d = 1; d < m.rank; ++d) {
      const int64_t at = int64_t(origin[size_t(d)]) + int64_t(i[size_t(d)]) * m.step[size_t(d)];
      inside &= at >= 0 && at < int64_t(m.size(d));
      address += uint64_t(at) * m.stride[size_t(d - 1)];
    }
    const int64_t column = x + int64_t(first) * step;
    address += uint64_t(m.packed ? column / 2 : column * m.element_bytes);
    f({row * m.row_bytes(), first, inside ? end : first, address});
    for (int d = 1; d < m.rank; ++d) {
      if (++i[size_t(d)] < m.extent(d)) break;
      i[size_t(d)] = 0;
    }
  }
}

}  // namespace ptxrun
