#include "fatbin.h"

#include <cstring>

namespace ptxrun {
namespace {

constexpr uint32_t kMagic = 0xba55ed50;
constexpr uint16_t kPtx = 1;

template <class T>
T read(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

// Header: magic u32, version u16, header size u16, payload size u64. Entry: kind u16, version u16,
// header size u32, payload size u64, compressed size u32 at 16, sm at 28, uncompressed size u64
// at 56 (0 when the payload is plain).
FatBinary read_fat_binary(const uint8_t* data) {
  FatBinary out;
  if (!data || read<uint32_t>(data) != kMagic) {
    out.error = "the program registered a fat binary whose header is not understood";
    return out;
  }
  const uint8_t* at = data + read<uint16_t>(data + 6);
  const uint8_t* const end = at + read<uint64_t>(data + 8);
  while (at + 64 <= end) {
    const uint32_t header = read<uint32_t>(at + 4);
    const uint64_t payload = read<uint64_t>(at + 8);
    if (header < 64 || payload > uint64_t(end - at) - header) {
      out.error = "an entry of the fat binary reaches beyond its container";
      return out;
    }
    if (read<uint16_t>(at) != kPtx) {
      ++out.machine_code;
    } else if (read<uint32_t>(at + 16) != 0 && read<uint64_t>(at + 56) != 0) {
      ++out.compressed_ptx;
    } else {
      const char* text = reinterpret_cast<const char*>(at + header);
      out.ptx.push_back({int(read<uint32_t>(at + 28)), std::string(text, strnlen(text, payload))});
    }
    at += header + payload;
  }
  return out;
}

}  // namespace ptxrun
