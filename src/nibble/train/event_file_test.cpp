#include "nibble/train/event_file.h"

#include <gtest/gtest.h>

namespace nibble::train {
namespace {

TEST(EventFile, CrcIsCastagnolis) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

// Byte by byte: wall time 1.5, step 300, a value "a" = 2.
TEST(EventFile, RecordIsFramedMessage) {
  const Scalar scalars[] = {{"a", 2}};
  const std::string r = scalar_record(1.5, 300, scalars);
  const std::string message = std::string("\x09\0\0\0\0\0\0\xf8\x3f", 9) + "\x10\xac\x02" +
                              std::string(
                                  "\x2a\x0a\x0a\x08\x0a\x01"
                                  "a"
                                  "\x15\0\0\0\x40",
                                  12);
  ASSERT_EQ(r.size(), 12 + message.size() + 4);
  EXPECT_EQ(r.substr(0, 8), std::string("\x18\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(r.substr(12, message.size()), message);
  EXPECT_EQ(event_file_head(0).substr(12 + 11),
            "\x1a\x0d"
            "brain.Event:2" +
                event_file_head(0).substr(12 + 11 + 15));
}

}  // namespace
}  // namespace nibble::train
