// Compiled once per ISA.
#pragma once
#include "nibble/cpu/narrow16.h"
#include "nibble/cpu/quantise_row.h"
#include "nibble/ops/quantise_rows/kernels.h"

namespace nibble::quantise_rows {
namespace {

template <class T>
void run_as(const Args& a, const Exec& e) {
  const T* x = static_cast<const T*>(a.x.data);
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      a.scales[r] = a.codes_s8 ? cpu::quantise_row(x + r * a.ldx, a.cols, a.codes_s8 + r * a.cols)
                               : cpu::quantise_row(x + r * a.ldx, a.cols, a.codes_s16 + r * a.cols);
  });
}

inline void run(const Args& a, const Exec& e) {
  if (a.x.type == DType::bf16) return run_as<bf16>(a, e);
  if (a.x.type == DType::fp16) return run_as<fp16>(a, e);
  run_as<float>(a, e);
}

}  // namespace
}  // namespace nibble::quantise_rows
