// Matrices for the tests of the tensor cores, laid out in shared memory as the PTX manual draws
// them.
#pragma once
#include <string>
#include <vector>

#include "kernel.h"

namespace ptxrun::tensor_test {

// Numbers by format: those drawn are sums of few powers of two, so that float sums stay exact.
struct Element {
  const char* name;
  uint32_t bytes;
  uint32_t (*encode)(int eighths);  // of a value in [-16, 16] eighths
};
inline uint32_t half_bits(int eighths) {
  const float f = float(eighths) / 8;
  const uint32_t b = std::bit_cast<uint32_t>(f);
  return f == 0 ? 0 : (b >> 16 & 0x8000) | (((b >> 23 & 255) - 112) << 10) | (b >> 13 & 1023);
}
// e4m3: the values 0 to 1 in steps of 1/8 are exact
inline uint32_t e4m3_bits(int eighths) {
  const uint32_t b = half_bits(eighths);
  const uint32_t e = b >> 10 & 31;
  return b == 0 ? 0 : (b >> 8 & 0x80) | ((e - 15 + 7) << 3) | (b >> 7 & 7);
}
inline uint32_t e5m2_bits(int eighths) { return half_bits(eighths) >> 8; }
inline const Element kF16{"f16", 2, half_bits};
inline const Element kBf16{"bf16", 2,
                           [](int v) { return std::bit_cast<uint32_t>(float(v) / 8) >> 16; }};
inline const Element kTf32{"tf32", 4, [](int v) { return std::bit_cast<uint32_t>(float(v) / 8); }};
inline const Element kE4m3{"e4m3", 1, e4m3_bits};
inline const Element kE5m2{"e5m2", 1, e5m2_bits};
inline const Element kS8{"s8", 1, [](int v) { return uint32_t(v) & 255; }};

// The largest magnitude, in eighths, of which every value is in the format.
inline int largest(const Element& e) {
  return e.name == kE5m2.name ? 4 : e.bytes == 1 && e.name[0] == 'e' ? 16 : 15;
}

// A matrix in shared memory. Where byte `b` of row `i` lies when rows are stored along k with a
// swizzle of `span` bytes: rows follow each other, and 16-byte pieces of a line of 128 bytes change
// places by the line's number.
inline uint32_t along_k(uint32_t i, uint32_t b, uint32_t span) {
  const uint32_t byte = i * span + b, line = byte / 128, piece = byte / 16 % 8 ^ line % (span / 16);
  return line * 128 + piece * 16 + byte % 16;
}
// Without a swizzle: 8 rows by 16 bytes are 128 bytes in one; such blocks follow along k, then
// rows.
inline uint32_t in_blocks(uint32_t i, uint32_t b) {
  return i / 8 * 256 + b / 16 * 128 + i % 8 * 16 + b % 16;
}
// Stored along m or n, 128 bytes of it: k within.
inline uint32_t along_n(uint32_t i, uint32_t k, uint32_t size, uint32_t groups) {
  const uint32_t per = 128 / size, byte = i % per * size;
  return (k / 8 * groups + i / per) * 1024 + k % 8 * 128 + ((byte / 16) ^ (k % 8)) * 16 + byte % 16;
}

enum Layout { kPlain, kSwizzle32, kSwizzle64, kSwizzle128, kTransposed };
inline uint32_t place(Layout layout, uint32_t i, uint32_t k, uint32_t size, uint32_t rows) {
  switch (layout) {
    case kPlain:
      return in_blocks(i, k * size);
    case kTransposed:
      return along_n(i, k, size, (rows * size + 127) / 128);
    default:
      return along_k(i, k * size, layout == kSwizzle32 ? 32 : layout == kSwizzle64 ? 64 : 128);
  }
}
// Fields of a descriptor: address, then the strides in 16 bytes.
inline uint64_t descriptor(Layout layout, uint32_t address, uint32_t rows, uint32_t size,
                           bool blackwell) {
  uint32_t leading = 0, stride = 0;
  uint64_t mode = 0;
  if (layout == kPlain) leading = 128, stride = 256;
  if (layout == kSwizzle32) stride = 256, mode = blackwell ? 6 : 3;
  if (layout == kSwizzle64) stride = 512, mode = blackwell ? 4 : 2;
  if (layout == kSwizzle128) stride = 1024, mode = blackwell ? 2 : 1;
  if (layout == kTransposed)
    leading = 1024, stride = (rows * size + 127) / 128 * 1024, mode = blackwell ? 2 : 1;
  return uint64_t(address >> 4) | uint64_t(leading >> 4) << 16 | uint64_t(stride >> 4) << 32 |
         mode << (blackwell ? 61 : 62) | (blackwell ? uint64_t(1) << 46 : 0);
}

struct Matrix {
  std::vector<int> eighths;  // [row][k]
  std::vector<uint8_t> image;
};
inline constexpr uint32_t kImage = 16384;
inline Matrix draw(const Element& e, Layout layout, uint32_t rows, uint32_t depth, uint64_t seed) {
  Matrix m{std::vector<int>(rows * depth), std::vector<uint8_t>(kImage, 0xff)};
  Random r(seed);
  const int top = largest(e);
  for (uint32_t i = 0; i < rows; ++i)
    for (uint32_t k = 0; k < depth; ++k) {
      const int v = int(r.below(uint64_t(2 * top + 1))) - top;
      m.eighths[i * depth + k] = v;
      const uint32_t bits = e.encode(v);
      std::memcpy(m.image.data() + place(layout, i, k, e.bytes, rows), &bits, e.bytes);
    }
  return m;
}
inline double product(const Matrix& a, const Matrix& b, uint32_t i, uint32_t j, uint32_t depth,
                      bool whole) {
  double sum = 0;
  for (uint32_t k = 0; k < depth; ++k)
    sum += double(a.eighths[i * depth + k]) * b.eighths[j * depth + k];
  return whole ? sum : sum / 64;
}

// Copies two images of 16384 bytes into shared memory at 1024 and 17408; every thread 128 bytes of
// each, then the fence towards the asynchronous proxy.
inline std::string copies() {
  std::string s =
      ".shared .align 1024 .b8 s[32768];\n.reg .b32 %t, %w, %l, %v, %x, %m;\n.reg .b64 %a, %b, %o, "
      "%q, %da, "
      "%db;\n.reg .pred p, q;\nmov.u32 %t, %tid.x;\nshr.u32 %w, %t, 5;\nand.b32 %l, %t, 31;\n"
      "ld.param.u64 %a, [pa];\nld.param.u64 %b, [pb];\nld.param.u64 %o, [po];\nld.param.u64 %da, "
      "[da];\n"
      "ld.param.u64 %db, [db];\nmad.wide.u32 %a, %t, 128, %a;\nmad.wide.u32 %b, %t, 128, %b;\n"
      "mov.u32 %x, s;\nmad.lo.u32 %x, %t, 128, %x;\n";
  for (int k = 0; k < 128; k += 4) {
    const std::string n = std::to_string(k), far = std::to_string(k + 16384);
    s += "ld.global.u32 %v, [%a+" + n + "];\nst.shared.u32 [%x+" + n +
         "], %v;\nld.global.u32 %v, [%b+" + n + "];\nst.shared.u32 [%x+" + far + "], %v;\n";
  }
  return s + "fence.proxy.async;\nbar.sync 0;\n";
}
inline const std::string kParams =
    ".param .u64 pa, .param .u64 pb, .param .u64 po, .param .u64 da, .param .u64 db";

inline std::string names(const std::string& prefix, int count) {
  std::string s = "{";
  for (int k = 0; k < count; ++k) s += (k ? ", " : "") + prefix + std::to_string(k);
  return s + "}";
}

}  // namespace ptxrun::tensor_test
