// A row-major array of floats of one of three types, named at run time: what encoders read and
// decoders write. Reading widens to float, which is exact; writing rounds to nearest, ties to even,
// and makes every NaN the quiet one without a sign.
#pragma once
#include <cstdint>
#include <string_view>

#include "nibble/base/op.h"
#include "nibble/numerics/bf16.h"
#include "nibble/numerics/fp16.h"

namespace nibble {

struct Floats {
  DType type = DType::f32;  // f32, bf16 or fp16
  const void* data = nullptr;

  Floats() = default;
  Floats(DType t, const void* p = nullptr) : type(t), data(p) {}
  Floats(const float* p) : type(DType::f32), data(p) {}
  Floats(const bf16* p) : type(DType::bf16), data(p) {}
  Floats(const fp16* p) : type(DType::fp16), data(p) {}
};

struct MutableFloats {
  DType type = DType::f32;  // f32 or bf16
  void* data = nullptr;

  MutableFloats() = default;
  MutableFloats(DType t, void* p = nullptr) : type(t), data(p) {}
  MutableFloats(float* p) : type(DType::f32), data(p) {}
  MutableFloats(bf16* p) : type(DType::bf16), data(p) {}
};

constexpr bool readable(DType t) { return t == DType::f32 || t == DType::bf16 || t == DType::fp16; }
constexpr bool writable(DType t) { return t == DType::f32 || t == DType::bf16; }

// The magnitude as float bits: they order as magnitudes do, with NaN above infinity.
NIBBLE_HD constexpr uint32_t greater_magnitude(uint32_t most, float x) {
  const uint32_t u = magnitude_bits(x);
  return u > most ? u : most;
}
// The greatest magnitude of the array, NaN if there is one.
constexpr float amax_of(const float* x, int64_t count) {
  uint32_t most = 0;
  for (int64_t i = 0; i < count; ++i) most = greater_magnitude(most, x[i]);
  return bit_cast<float>(most > kFloatInf ? kFloatQuietNaN : most);
}

inline float float_at(const Floats& x, int64_t i) {
  switch (x.type) {
    case DType::bf16:
      return to_float(static_cast<const bf16*>(x.data)[i]);
    case DType::fp16:
      return to_float(static_cast<const fp16*>(x.data)[i]);
    default:
      return static_cast<const float*>(x.data)[i];
  }
}
inline void load_floats(const Floats& x, int64_t begin, int64_t count, float* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = float_at(x, begin + i);
}
inline void store_float(const MutableFloats& y, int64_t i, float value) {
  if (is_nan(value)) value = bit_cast<float>(kFloatQuietNaN);
  if (y.type == DType::bf16)
    static_cast<bf16*>(y.data)[i] = to_bf16(value);
  else
    static_cast<float*>(y.data)[i] = value;
}

// Rows that an op takes at a time: about 64 Ki elements, the same whatever the number of threads.
NIBBLE_HD constexpr int64_t rows_per_task(int64_t cols) {
  return cols < (1 << 16) ? (1 << 16) / cols : 1;
}

// For an op's buffers().
inline void visit(BufferVisitor& v, std::string_view name, Floats& x, int64_t count) {
  const auto as = [&](auto* p) { v.in(name, p, count), x.data = p; };
  if (x.type == DType::bf16) return as(static_cast<const bf16*>(x.data));
  if (x.type == DType::fp16) return as(static_cast<const fp16*>(x.data));
  as(static_cast<const float*>(x.data));
}
inline void visit(BufferVisitor& v, std::string_view name, MutableFloats& y, int64_t count) {
  const auto as = [&](auto* p) { v.out(name, p, count), y.data = p; };
  if (y.type == DType::bf16) return as(static_cast<bf16*>(y.data));
  as(static_cast<float*>(y.data));
}

}  // namespace nibble
