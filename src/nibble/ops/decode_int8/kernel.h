// Compiled once per ISA.
#pragma once
#include <cstring>

#include "nibble/cpu/narrow16.h"
#include "nibble/ops/decode_int8/kernels.h"

namespace nibble::decode_int8 {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

template <class T>
void run_as(const Args& a, const Exec& e) {
  auto* y = static_cast<T*>(a.y.data);
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const F16 scale = splat(a.scales[r]);
      const auto decoded = [&](I16 c) { return cpu::one_nan(cpu::to_float(c) * scale); };
      int64_t i = r * a.cols;
      const int64_t stop = i + a.cols;
      for (; i + 16 <= stop; i += 16) cpu::store(y + i, decoded(cpu::load(a.codes + i)));
      if (i == stop) continue;
      int8_t part[16] = {};
      std::memcpy(part, a.codes + i, size_t(stop - i));
      cpu::store_part(y + i, decoded(cpu::load(part)), stop - i);
    }
  });
}

inline void run(const Args& a, const Exec& e) {
  if (a.y.type == DType::bf16) return run_as<bf16>(a, e);
  run_as<float>(a, e);
}

}  // namespace
}  // namespace nibble::decode_int8
