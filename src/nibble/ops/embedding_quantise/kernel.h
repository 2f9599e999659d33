// Compiled once per ISA: rows for NVFP4 are widened to floats in L1, with the greatest magnitudes
// of their blocks. Other formats are the encoders' alone.
#pragma once
#include "nibble/cpu/made_rows.h"
#include "nibble/ops/embedding_quantise/gather.h"

namespace nibble::embedding_quantise {
namespace {

constexpr int64_t kMaxMade = 1 << 16;  // columns of a row on the stack

// Rows are anywhere, so that no processor asks for the next one by itself.
template <class T>
void run_as(std::string_view variant, const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    cpu::MadeRow<kMaxMade> row;
    const T* table = static_cast<const T*>(a.table.data);
    const int64_t cols = a.cols;
    for (int64_t r = begin; r < end; ++r) {
      const T* x = table + a.ids[r] * cols;
      const T* next = table + a.ids[r + 1 < end ? r + 1 : r] * cols;
      const float amax = cpu::make_row(
          cols, row, [&](int64_t i) __attribute__((always_inline)) { return cpu::load(x + i); });
      const bool done = cpu::nvfp4::encode_made_row(
          encode_rows::from_row(a.to, r, cols), cols, row,
          amax, [&](int64_t i) __attribute__((always_inline)) {
            cpu::fetch_ahead<128 * int64_t(sizeof(T))>(next + i, 0);
          });
      if (!done) encode_row(variant, a, r);
    }
  });
}

inline void run_here(std::string_view variant, const Args& a, const Exec& e) {
  if (a.to.format != encode_rows::Format::nvfp4 || a.cols > kMaxMade) return run(variant, a, e);
  if (a.table.type == DType::bf16) return run_as<bf16>(variant, a, e);
  if (a.table.type == DType::fp16) return run_as<fp16>(variant, a, e);
  run_as<float>(variant, a, e);
}

}  // namespace
}  // namespace nibble::embedding_quantise
