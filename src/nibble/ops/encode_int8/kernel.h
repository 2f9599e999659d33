// Compiled once per ISA.
#pragma once
#include <cstring>

#include "nibble/cpu/narrow16.h"
#include "nibble/ops/encode_int8/kernels.h"

namespace nibble::encode_int8 {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

[[gnu::always_inline]] inline I16 code_of(F16 x, F16 scale) {
  return cpu::round_clamped(x / scale, -127, 127);
}

template <class T>
void row_of(const Args& a, int64_t r) {
  const T* x = static_cast<const T*>(a.x.data) + r * a.cols;
  int8_t* codes = a.codes + r * a.cols;
  I16 most = splat(0);
  int64_t i = 0;
  for (; i + 16 <= a.cols; i += 16) most = cpu::max(most, cpu::magnitude(cpu::load(x + i)));
  if (i < a.cols) most = cpu::max(most, cpu::magnitude(cpu::load_part(x + i, a.cols - i)));
  const auto found = uint32_t(cpu::greatest_lane(most));
  const float scale = s8_scale(bit_cast<float>(found));
  if (found >= kFloatInf || scale == 0) return encode_row(a, r);
  a.scales[r] = scale;
  for (i = 0; i + 16 <= a.cols; i += 16)
    cpu::store(codes + i, code_of(cpu::load(x + i), splat(scale)));
  if (i < a.cols)
    cpu::store_part(codes + i, code_of(cpu::load_part(x + i, a.cols - i), splat(scale)),
                    a.cols - i);
}

template <class T>
void run_as(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row_of<T>(a, r);
  });
}

inline void run(const Args& a, const Exec& e) {
  if (a.x.type == DType::bf16) return run_as<bf16>(a, e);
  if (a.x.type == DType::fp16) return run_as<fp16>(a, e);
  run_as<float>(a, e);
}

}  // namespace
}  // namespace nibble::encode_int8
