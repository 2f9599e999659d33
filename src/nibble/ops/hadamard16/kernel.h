// Compiled once per ISA. A block is a vector.
#pragma once
#include "nibble/cpu/narrow16.h"
#include "nibble/ops/hadamard16/kernels.h"

namespace nibble::hadamard16 {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

// Lane i: v[i] + v[i + kApart], or v[i - kApart] - v[i] in the upper half of its pair.
template <int kApart>
[[gnu::always_inline]] inline F16 butterfly(F16 v, const int32_t* upper) {
  const I16 minus = cpu::load(upper);
  return cpu::partners<kApart>(v) + cpu::floats(cpu::bits(v) ^ minus);
}

// Sign bits of what a stage subtracts, and of `signs`.
struct Signs {
  int32_t stage[4][16] = {}, given[16] = {};
};
inline Signs signs_of(uint16_t signs) {
  Signs s;
  for (int i = 0; i < 16; ++i) {
    for (int stage = 0; stage < 4; ++stage)
      s.stage[stage][i] = (i >> stage & 1) != 0 ? INT32_MIN : 0;
    s.given[i] = (signs >> i & 1) != 0 ? INT32_MIN : 0;
  }
  return s;
}

template <class X, class Y>
void run_as(const Args& a, const Exec& e) {
  const auto* x = static_cast<const X*>(a.x.data);
  auto* y = static_cast<Y*>(a.y.data);
  const Signs s = signs_of(a.signs);
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * a.cols; i < end * a.cols; i += kHadamard) {
      const I16 given = cpu::load(s.given);
      F16 v = cpu::load(x + i);
      if (!a.inverse) v = cpu::floats(cpu::bits(v) ^ given);
      v = butterfly<1>(v, s.stage[0]);
      v = butterfly<2>(v, s.stage[1]);
      v = butterfly<4>(v, s.stage[2]);
      v = butterfly<8>(v, s.stage[3]) * splat(0.25f);
      if (a.inverse) v = cpu::floats(cpu::bits(v) ^ given);
      cpu::store(y + i, cpu::one_nan(v));
    }
  });
}

template <class X>
void run_to(const Args& a, const Exec& e) {
  if (a.y.type == DType::bf16) return run_as<X, bf16>(a, e);
  run_as<X, float>(a, e);
}

inline void run(const Args& a, const Exec& e) {
  if (a.x.type == DType::bf16) return run_to<bf16>(a, e);
  if (a.x.type == DType::fp16) return run_to<fp16>(a, e);
  run_to<float>(a, e);
}

}  // namespace
}  // namespace nibble::hadamard16
