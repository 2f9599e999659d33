// TensorBoard's event files: TFRecords of protocol-buffer messages, written by hand.
//
//   record   length (8 bytes), crc(length) (4), message, crc(message) (4), all little-endian;
//            crc is CRC-32C, rotated right by 15 and offset by 0xa282ead8
//   Event    1: wall_time, double   2: step, varint   3: file_version, string   5: summary
//   Summary  1: value, repeated     Value  1: tag, string   2: simple_value, float
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace nibble::train {

struct Scalar {
  std::string_view tag;
  double value = 0;
};

// CRC-32C (Castagnoli: reflected polynomial 0x82f63b78).
uint32_t crc32c(std::string_view bytes);

std::string event_file_head(double wall_seconds);  // the record that a file begins with
std::string scalar_record(double wall_seconds, int64_t step, std::span<const Scalar>);

}  // namespace nibble::train
