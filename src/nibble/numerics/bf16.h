// bfloat16: 1 sign, 8 exponent, 7 fraction bits; the upper half of a float.
#pragma once
#include <bit>
#include <cstdint>

#include "nibble/base/op.h"

namespace nibble {

struct bf16 {
  uint16_t bits = 0;
};
template <>
struct DTypeOf<bf16> {
  static constexpr DType value = DType::bf16;
};

constexpr float to_float(bf16 x) { return std::bit_cast<float>(uint32_t(x.bits) << 16); }

}  // namespace nibble
