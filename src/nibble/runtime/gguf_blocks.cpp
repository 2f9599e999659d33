#include <cstring>

#include "nibble/numerics/bf16.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp16.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/gguf.h"

// Blocks are decoded as ggml's reference decodes them: the same float operations in the same order.
namespace nibble::gguf {
namespace {

template <class T>
T load(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}
float load_half(const uint8_t* p) { return to_float(fp16{load<uint16_t>(p)}); }

// e2m1 codes as ggml tables them: doubled, so that they are whole. -0 becomes 0.
float doubled(int code) { return 2 * to_float(e2m1{uint8_t(code)}) + 0.0f; }

// 2^(b - 128), which takes back the doubling; ggml gives no code to NaN.
float half_e8m0(uint8_t b) {
  return bit_cast<float>(b < 2 ? 0x00200000u << b : uint32_t(b - 1) << 23);
}

// Half of an e4m3 whose sign is not looked at. 0x7f is 0, not NaN, and 0xff is 240.
float half_ue4m3(uint8_t b) {
  if (b == 0 || b == 0x7f) return 0;
  const int exponent = b >> 3 & 15, fraction = b & 7;
  if (exponent == 0) return float(fraction) * 0x1p-10f;
  return bit_cast<float>(uint32_t(exponent + 119) << 23 | uint32_t(fraction) << 20);
}

void q8_0(const uint8_t* b, float* to) {
  const float d = load_half(b);
  for (int i = 0; i < 32; ++i) to[i] = d * float(int8_t(b[2 + i]));
}

void mxfp4(const uint8_t* b, float* to) {
  const float d = half_e8m0(b[0]);
  for (int i = 0; i < 16; ++i) {
    to[i] = d * doubled(b[1 + i] & 15);
    to[16 + i] = d * doubled(b[1 + i] >> 4);
  }
}

void nvfp4(const uint8_t* b, float* to) {
  for (int s = 0; s < 4; ++s) {
    const float d = half_ue4m3(b[s]);
    for (int i = 0; i < 8; ++i) {
      to[16 * s + i] = d * doubled(b[4 + 8 * s + i] & 15);
      to[16 * s + 8 + i] = d * doubled(b[4 + 8 * s + i] >> 4);
    }
  }
}

// A byte holds a fraction of 243: times a power of 3 the digit is its top, in fixed point.
float digit(uint8_t byte, int place) {
  constexpr uint8_t kPowers[] = {1, 3, 9, 27, 81};
  return float((uint8_t(byte * kPowers[place]) * 3 >> 8) - 1);
}
void tq1_0(const uint8_t* b, float* to) {
  const float d = load_half(b + 52);
  for (int i = 0; i < 160; ++i) to[i] = d * digit(b[i % 32], i / 32);
  for (int i = 0; i < 80; ++i) to[160 + i] = d * digit(b[32 + i % 16], i / 16);
  for (int i = 0; i < 16; ++i) to[240 + i] = d * digit(b[48 + i % 4], i / 4);
}

void tq2_0(const uint8_t* b, float* to) {
  const float d = load_half(b + 64);
  for (int i = 0; i < 256; ++i)
    to[i] = d * float((b[32 * (i / 128) + i % 32] >> 2 * (i % 128 / 32) & 3) - 1);
}

template <class T>
void number(const uint8_t* b, float* to) {
  *to = float(load<T>(b));
}
void half(const uint8_t* b, float* to) { *to = load_half(b); }
void brain(const uint8_t* b, float* to) { *to = to_float(bf16{load<uint16_t>(b)}); }

using Decode = void (*)(const uint8_t*, float*);
Decode decode_of(Type type) {
  switch (type) {
    case Type::f32:
      return number<float>;
    case Type::f64:
      return number<double>;
    case Type::i8:
      return number<int8_t>;
    case Type::i16:
      return number<int16_t>;
    case Type::i32:
      return number<int32_t>;
    case Type::i64:
      return number<int64_t>;
    case Type::f16:
      return half;
    case Type::bf16:
      return brain;
    case Type::q8_0:
      return q8_0;
    case Type::mxfp4:
      return mxfp4;
    case Type::nvfp4:
      return nvfp4;
    case Type::tq1_0:
      return tq1_0;
    case Type::tq2_0:
      return tq2_0;
  }
  throw Error("GGUF has no type " + std::to_string(uint32_t(type)) + " here");
}

}  // namespace

void dequantise(Type type, std::span<const std::byte> blocks, std::span<float> to) {
  const Format& f = format_of(type);
  const auto count = blocks.size() / size_t(f.bytes);
  if (blocks.size() % size_t(f.bytes) != 0 || to.size() != count * size_t(f.elements))
    throw Error("cannot dequantise " + std::to_string(blocks.size()) + " bytes of " +
                std::string(f.name) + " to " + std::to_string(to.size()) +
                " floats: they must be whole blocks and as many");
  const Decode decode = decode_of(type);
  const auto* from = reinterpret_cast<const uint8_t*>(blocks.data());
  for (size_t i = 0; i < count; ++i)
    decode(from + i * size_t(f.bytes), to.data() + i * size_t(f.elements));
}

}  // namespace nibble::gguf
