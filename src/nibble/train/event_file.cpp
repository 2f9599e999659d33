#include "nibble/train/event_file.h"

#include <array>
#include <bit>

namespace nibble::train {
namespace {

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = c >> 1 ^ (c & 1 ? 0x82f63b78u : 0);
    table[i] = c;
  }
  return table;
}
constexpr auto kCrcTable = crc_table();

uint32_t masked(uint32_t crc) { return std::rotr(crc, 15) + 0xa282ead8u; }

void put(std::string& to, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to += char(value >> 8 * i & 0xff);
}

void put_varint(std::string& to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += char((value & 0x7f) | 0x80);
  to += char(value);
}

// Wire types: 0 varint, 1 eight bytes, 2 a length and so many bytes, 5 four bytes.
void put_key(std::string& to, int field, int wire) { put_varint(to, uint64_t(field << 3 | wire)); }

void put_bytes(std::string& to, int field, std::string_view bytes) {
  put_key(to, field, 2);
  put_varint(to, bytes.size());
  to += bytes;
}

std::string event(double wall_seconds, int64_t step) {
  std::string e;
  put_key(e, 1, 1);
  put(e, std::bit_cast<uint64_t>(wall_seconds), 8);
  put_key(e, 2, 0);
  put_varint(e, uint64_t(step));
  return e;
}

std::string record(std::string_view message) {
  std::string r;
  put(r, message.size(), 8);
  put(r, masked(crc32c(r)), 4);
  r += message;
  put(r, masked(crc32c(message)), 4);
  return r;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t c = ~0u;
  for (const char b : bytes) c = c >> 8 ^ kCrcTable[(c ^ uint8_t(b)) & 0xff];
  return ~c;
}

std::string event_file_head(double wall_seconds) {
  std::string e = event(wall_seconds, 0);
  put_bytes(e, 3, "brain.Event:2");
  return record(e);
}

std::string scalar_record(double wall_seconds, int64_t step, std::span<const Scalar> scalars) {
  std::string summary;
  for (const Scalar& s : scalars) {
    std::string value;
    put_bytes(value, 1, s.tag);
    put_key(value, 2, 5);
    put(value, std::bit_cast<uint32_t>(float(s.value)), 4);
    put_bytes(summary, 1, value);
  }
  std::string e = event(wall_seconds, step);
  put_bytes(e, 5, summary);
  return record(e);
}

}  // namespace nibble::train
