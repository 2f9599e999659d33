// Rows of floats that an op makes, and their codes in NVFP4, for files compiled once per ISA. The
// greatest magnitudes of blocks are found while a row is made, so that nobody reads it again for
// them; the scales of all blocks come next, and then all codes.
#pragma once
#include <cstring>

#include "nibble/cpu/nvfp4_blocks.h"

namespace nibble::cpu {
namespace {

constexpr int64_t kMadeAtOnce = 16 * kNvfp4Block;  // columns whose blocks' magnitudes fill a vector

// To bf16 and back, in registers.
[[maybe_unused, gnu::always_inline]] inline F16 as_bf16(F16 v) {
  return floats(shift_left<16>(rounded_to_bf16(one_nan(v))));
}

// On the stack; kMostCols is a multiple of kMadeAtOnce.
template <int64_t kMostCols>
struct alignas(64) MadeRow {
  float y[kMostCols];
  float of_blocks[kMostCols / kNvfp4Block];  // greatest magnitudes; then factors
};

// y[i] to y[i + 15] = make(i), and zeros behind cols, a multiple of 16. Returns the greatest
// magnitude; of NaN the quiet one.
template <class Row, class Make>
[[gnu::always_inline]] inline float make_row(int64_t cols, Row& row, Make&& make) {
  I16 most = splat(0);
  for (int64_t first = 0; first < cols; first += kMadeAtOnce) {
    float* y = row.y + first;
    if (first + kMadeAtOnce <= cols) {
      for (int64_t i = 0; i < kMadeAtOnce; i += 16) store(y + i, make(first + i));
    } else {
      for (int64_t i = 0; i < kMadeAtOnce; i += 16)
        store(y + i, first + i < cols ? make(first + i) : splat(0.0f));
    }
    const I16 of_each = nvfp4::amax_of_blocks(y);
    store(row.of_blocks + first / kNvfp4Block, floats(of_each));
    most = max(most, of_each);
  }
  const auto greatest = uint32_t(greatest_lane(most));
  return bit_cast<float>(greatest > kFloatInf ? kFloatQuietNaN : greatest);
}

}  // namespace
}  // namespace nibble::cpu

namespace nibble::cpu::nvfp4 {
namespace {

// Codes of a made row whose blocks' factors are known; beside(i) is called before those of columns
// i to i + 127.
template <Nvfp4 kMode, bool kSaturates, class Row, class Beside>
[[gnu::always_inline]] inline void made_codes(int64_t cols, const Row& row, e2m1x2* codes,
                                              Beside&& beside) {
  constexpr int64_t kStep = 8 * kNvfp4Block;
  for (int64_t i = 0; i < cols; i += kStep, codes += kStep / 2) {
    beside(i);
    I16 c[8];
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j)
      c[j] = codes_of<kMode, kSaturates>(load(row.y + i + j * kNvfp4Block),
                                         splat(row.of_blocks[i / kNvfp4Block + j]));
    if (i + kStep <= cols) {
      store_nibbles(codes, c);
    } else {
      e2m1x2 part[kStep / 2];
      store_nibbles(part, c);
      std::memcpy(static_cast<void*>(codes), part, size_t(cols - i) / 2);
    }
  }
}

// A made row with that greatest magnitude to its place in an encode_rows::Encoded. False, and to be
// encoded from y by others, where that is not NVFP4 by recipe te, a block is not finite, or a scale
// is odd.
template <class Encoded, class Row, class Beside>
[[gnu::always_inline]] inline bool encode_made_row(const Encoded& to, int64_t cols, Row& row,
                                                   float amax, Beside&& beside) {
  constexpr Nvfp4 kMode = Nvfp4::te;
  if (to.format != decltype(to.format)::nvfp4 || to.recipe != kMode) return false;
  const Nvfp4Tensor t = nvfp4_tensor(kMode, amax);
  if (is_odd(t)) return false;
  *to.scales = t.decode;
  bool saturates = false;
  const int64_t blocks = cols / kNvfp4Block;
  for (int64_t b = 0; b < blocks; b += kGroup) {
    Factors f;
    e4m3 scales[kGroup];
    if (!put_scales<kMode>(bits(load(row.of_blocks + b)), t, scales, f)) return false;
    std::memcpy(to.block_scales + b, scales, size_t(blocks - b < kGroup ? blocks - b : kGroup));
    store(row.of_blocks + b, load(f.lifted));
    saturates |= f.saturates;
  }
  auto* codes = reinterpret_cast<e2m1x2*>(to.codes);
  if (saturates)
    made_codes<kMode, true>(cols, row, codes, beside);
  else
    made_codes<kMode, false>(cols, row, codes, beside);
  return true;
}

}  // namespace
}  // namespace nibble::cpu::nvfp4
