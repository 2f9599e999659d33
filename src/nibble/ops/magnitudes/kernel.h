// Compiled once per ISA.
#pragma once

#include "nibble/cpu/narrow16.h"
#include "nibble/ops/magnitudes/kernels.h"

namespace nibble::magnitudes {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

template <class T>
void row_of(const Args& a, int64_t r) {
  const T* x = static_cast<const T*>(a.x.data) + r * a.cols;
  I16 most = splat(0);
  cpu::Doubles sum = cpu::doubles(0);
  const auto take = [&](F16 v) {
    const I16 m = cpu::magnitude(v);
    most = cpu::max(most, m);
    if (a.sum) sum = cpu::add(sum, cpu::floats(m));
  };
  int64_t i = 0;
  for (; i + 16 <= a.cols; i += 16) take(cpu::load(x + i));
  if (i < a.cols) take(cpu::load_part(x + i, a.cols - i));
  const auto found = uint32_t(cpu::greatest_lane(most));
  const bool nan = found > kFloatInf;
  a.amax[r] = bit_cast<float>(nan ? kFloatQuietNaN : found);
  if (a.sum) a.sum[r] = nan ? double(bit_cast<float>(kFloatQuietNaN)) : cpu::sum(sum);
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
}  // namespace nibble::magnitudes
