// Compiled once per ISA.
#pragma once
#include <cstring>

#include "nibble/cpu/narrow16.h"
#include "nibble/ops/decode_ternary/kernels.h"

namespace nibble::decode_ternary {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

// Digit j of 16 bytes is 16 elements, `digits` apart: planes, laid side by side by the stores.
template <class T>
[[gnu::always_inline]] inline void elements(TernaryPacking p, const uint8_t* bytes, F16 gamma,
                                            T* y) {
  const I16 b = cpu::load_u8(bytes);
  const int digits = ternaries_in_byte(p);
  T plane[5][16];
  I16 shifted = b;
  for (int j = 0; j < digits; ++j) {
    const I16 code = p == TernaryPacking::two_bit
                         ? shifted & splat(3)
                         : cpu::shift_right<8>(shifted + shifted + shifted);
    cpu::store(plane[j], cpu::one_nan(cpu::to_float(code - splat(1)) * gamma));
    shifted = p == TernaryPacking::two_bit ? cpu::shift_right<2>(shifted)
                                           : (shifted + shifted + shifted) & splat(255);
  }
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < digits; ++j) y[i * digits + j] = plane[j][i];
}

template <class T>
void run_as(const Args& a, const Exec& e) {
  const int64_t row_bytes = ternary_row_bytes(a.packing, a.cols);
  const int64_t digits = ternaries_in_byte(a.packing), piece = 16 * digits;
  const F16 gamma = splat(*a.gamma);
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const uint8_t* codes = a.codes + r * row_bytes;
      T* y = static_cast<T*>(a.y.data) + r * a.cols;
      int64_t c = 0;
      for (; c + piece <= a.cols; c += piece) elements(a.packing, codes + c / digits, gamma, y + c);
      if (c == a.cols) continue;
      uint8_t bytes[16] = {};
      T part[80];
      std::memcpy(bytes, codes + c / digits, size_t(row_bytes - c / digits));
      elements(a.packing, bytes, gamma, part);
      std::memcpy(y + c, part, size_t(a.cols - c) * sizeof(T));
    }
  });
}

inline void run(const Args& a, const Exec& e) {
  if (a.y.type == DType::bf16) return run_as<bf16>(a, e);
  run_as<float>(a, e);
}

}  // namespace
}  // namespace nibble::decode_ternary
