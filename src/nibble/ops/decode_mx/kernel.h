// Compiled once per ISA.
#pragma once

#include "nibble/cpu/narrow16.h"
#include "nibble/ops/decode_mx/kernels.h"

namespace nibble::decode_mx {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

// 16 elements from element i on.
template <MxFormat kFormat>
[[gnu::always_inline]] inline F16 elements(const uint8_t* codes, int64_t i) {
  static constexpr float kValues[] = {0,     0.5f,  1,  1.5f,  2,  3,  4,  6,
                                      -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};
  if (kFormat == MxFormat::e2m1)
    return cpu::lookup(cpu::load(kValues), cpu::load_nibbles(codes + i / 2));
  const I16 code = cpu::load_u8(codes + i);
  return kFormat == MxFormat::e4m3 ? cpu::from_e4m3(code) : cpu::from_e5m2(code);
}

template <MxFormat kFormat, class T>
void run_as(const Args& a, const Exec& e) {
  auto* y = static_cast<T*>(a.y.data);
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * a.cols; i < end * a.cols; i += kMxBlock) {
      const F16 scale = splat(to_float(a.scales[i / kMxBlock]));
      for (int64_t j = i; j < i + kMxBlock; j += 16)
        cpu::store(y + j, cpu::one_nan(elements<kFormat>(a.codes, j) * scale));
    }
  });
}

template <MxFormat kFormat>
void run_by_type(const Args& a, const Exec& e) {
  if (a.y.type == DType::bf16) return run_as<kFormat, bf16>(a, e);
  run_as<kFormat, float>(a, e);
}

inline void run(const Args& a, const Exec& e) {
  if (a.format == MxFormat::e2m1) return run_by_type<MxFormat::e2m1>(a, e);
  if (a.format == MxFormat::e4m3) return run_by_type<MxFormat::e4m3>(a, e);
  run_by_type<MxFormat::e5m2>(a, e);
}

}  // namespace
}  // namespace nibble::decode_mx
