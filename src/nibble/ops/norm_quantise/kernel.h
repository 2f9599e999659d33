// Compiled once per ISA. A row stays in L1 or L2 from its sum to its codes.
#pragma once
#include <type_traits>

#include "nibble/cpu/made_rows.h"
#include "nibble/cpu/narrow16.h"
#include "nibble/ops/norm_quantise/kernels.h"

namespace nibble::norm_quantise {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

[[gnu::always_inline]] inline F16 rounded(F16 v, const float*) { return cpu::one_nan(v); }
[[gnu::always_inline]] inline F16 rounded(F16 v, const bf16*) { return cpu::as_bf16(v); }
[[gnu::always_inline]] inline void put(float* p, F16 v) { cpu::store(p, v); }
[[gnu::always_inline]] inline void put(bf16* p, F16 v) {
  cpu::store_low_halves(p, cpu::shift_right<16>(cpu::bits(v)));
}

// The type of a gamma that is not there.
struct Ones {};
template <class G>
[[gnu::always_inline]] inline F16 gain(F16 v, const G* gamma, int64_t i) {
  if constexpr (std::is_same_v<G, Ones>)
    return v;
  else
    return v * cpu::load(gamma + i);
}

template <Norm kNorm>
[[gnu::always_inline]] inline F16 add_to(F16 sum, F16 s) {
  return kNorm == Norm::rms ? cpu::fma(s, s, sum) : sum + cpu::abs(s);
}

// Rows that are summed together: one row's sum is a chain that waits for itself.
constexpr int kTogether = 4;

// s of R rows from r on to `sum`, if there is a delta, and the sums of their squares or magnitudes.
template <Norm kNorm, class T, int R>
void sum_rows(const Args& a, int64_t r, float* sums) {
  const int64_t cols = a.cols;
  const T* x = static_cast<const T*>(a.x.data) + r * cols;
  const T* delta = a.with_delta ? static_cast<const T*>(a.delta.data) + r * cols : nullptr;
  T* sum = a.with_delta ? static_cast<T*>(a.sum.data) + r * cols : nullptr;
  F16 of_row[R];
#pragma GCC unroll 4
  for (int j = 0; j < R; ++j) of_row[j] = splat(0.0f);
  for (int64_t i = 0; i < cols; i += 16)
#pragma GCC unroll 4
    for (int j = 0; j < R; ++j) {
      const int64_t at = j * cols + i;
      F16 s = cpu::load(x + at);
      if (delta) {
        s = rounded(s + cpu::load(delta + at), x);
        put(sum + at, s);
      }
      of_row[j] = add_to<kNorm>(of_row[j], s);
    }
#pragma GCC unroll 4
  for (int j = 0; j < R; ++j) sums[j] = cpu::sum(of_row[j]);
}
template <class T, int R>
void sum_rows(const Args& a, int64_t r, float* sums) {
  a.norm == Norm::rms ? sum_rows<Norm::rms, T, R>(a, r, sums)
                      : sum_rows<Norm::absmean, T, R>(a, r, sums);
}

// Whether the next rows are fetched beside the codes. With FP32 and a delta they are twice y's
// bytes.
template <class T>
bool fetches_beside_codes(const Args& a) {
  return a.to.format == encode_rows::Format::nvfp4 && a.to.recipe == Nvfp4::te &&
         !(a.with_delta && sizeof(T) == 4);
}

// The codes of row r, which is y with that greatest magnitude. What is read soon, from `next` on,
// is asked for meanwhile, as many bytes as y has: encoding takes longest, and needs no memory. Rows
// that are not finite, and all if `next` is null, go through the encoders.
[[gnu::noinline]] void encode_and_fetch(std::string_view variant, const Args& a, int64_t r,
                                        const float* y, float amax, const void* next) {
  bool done = false;
  if (next != nullptr) {
    const encode_rows::Encoded to = encode_rows::from_row(a.to, r, a.cols);
    const Nvfp4Tensor t = nvfp4_tensor(Nvfp4::te, amax);
    *to.scales = t.decode;
    done = !cpu::nvfp4::is_odd(t);
    if (done)
      cpu::nvfp4::blocks<Nvfp4::te>(
          y, a.cols / kNvfp4Block, t, reinterpret_cast<e2m1x2*>(to.codes),
          reinterpret_cast<e4m3*>(to.block_scales),
          int64_t(reinterpret_cast<uintptr_t>(next) - reinterpret_cast<uintptr_t>(y)),
          [&](int64_t, int64_t) { done = false; });
  }
  if (!done) encode_row(variant, a, r, y, amax);
}

// y, and its greatest magnitude. With kFetch, the row kTogether further is fetched meanwhile.
template <bool kFetch, class T, class G>
float norm_row(const Args& a, int64_t r, float factor, float* y) {
  const void* from = a.with_delta ? a.sum.data : a.x.data;
  const T* s = static_cast<const T*>(from) + r * a.cols;
  const G* gamma = static_cast<const G*>(a.gamma.data);
  const T* x = static_cast<const T*>(a.x.data) + (r + kTogether) * a.cols;
  const T* delta =
      a.with_delta ? static_cast<const T*>(a.delta.data) + (r + kTogether) * a.cols : x;
  const int64_t cols = a.cols;  // for the compiler a store to y may change `a`
  const bool round_bf16 = a.round_bf16;
  I16 most = splat(0);
  for (int64_t i = 0; i < cols; i += 16) {
    if constexpr (kFetch) {
      __builtin_prefetch(x + i);
      __builtin_prefetch(delta + i);
    }
    F16 v = gain(cpu::load(s + i) * splat(factor), gamma, i);
    if (round_bf16) v = cpu::as_bf16(v);
    most = cpu::max(most, cpu::magnitude(v));
    cpu::store(y + i, v);
  }
  const auto greatest = uint32_t(cpu::greatest_lane(most));
  return bit_cast<float>(greatest > kFloatInf ? kFloatQuietNaN : greatest);
}

// What is fetched beside the codes of row j of those that begin at r, of as many behind them: a row
// in FP32 (without delta); in bf16 two of x, and of delta, if there is one, in the second half.
template <class T>
const T* next_rows(const Args& a, int64_t r, int64_t j) {
  const bool second = a.with_delta && j >= kTogether / 2;
  const int64_t row = sizeof(T) == 4 ? j : j % (kTogether / 2) * 2;
  return static_cast<const T*>(second ? a.delta.data : a.x.data) + (r + kTogether + row) * a.cols;
}

// The same to NVFP4 with the greatest magnitudes of blocks from the norm's pass: codes are made in
// half of the time then, beside which the row kTogether further is fetched.
template <class T, class G>
[[gnu::noinline]] void norm_and_encode(std::string_view variant, const Args& a, int64_t r,
                                       float factor, cpu::MadeRow<kMaxCols>& row) {
  const int64_t cols = a.cols, at = r * cols, next = at + kTogether * cols;
  const T* s = static_cast<const T*>(a.with_delta ? a.sum.data : a.x.data) + at;
  const G* gamma = static_cast<const G*>(a.gamma.data);
  const T* x = static_cast<const T*>(a.x.data) + next;
  const T* delta = a.with_delta ? static_cast<const T*>(a.delta.data) + next : nullptr;
  const bool round_bf16 = a.round_bf16;
  const float amax = cpu::make_row(
      cols, row, [&](int64_t i) __attribute__((always_inline)) {
        const F16 v = gain(cpu::load(s + i) * splat(factor), gamma, i);
        return round_bf16 ? cpu::as_bf16(v) : v;
      });
  const bool done = cpu::nvfp4::encode_made_row(
      encode_rows::from_row(a.to, r, cols), cols, row,
      amax, [&](int64_t i) __attribute__((always_inline)) {
        cpu::fetch_ahead<128 * int64_t(sizeof(T))>(x + i, 0);
        if (delta) cpu::fetch_ahead<128 * int64_t(sizeof(T))>(delta + i, 0);
      });
  if (!done) encode_row(variant, a, r, row.y, amax);
}

// Where an element of the rows to come has no more than `slow_bytes`, memory brings them while
// codes are made, even if those are all that is made then. Where it has more, the loop over codes
// is to last: the norm's pass would not take its work over, but leave it waiting for memory.
template <class T, class G>
void run_as(std::string_view variant, const Args& a, const Exec& e, int slow_bytes) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    cpu::MadeRow<kMaxCols> row;
    const bool nvfp4 = a.to.format == encode_rows::Format::nvfp4 && a.to.recipe == Nvfp4::te;
    const bool made = nvfp4 && (a.with_delta ? 2 : 1) * int(sizeof(T)) <= slow_bytes;
    const bool beside = fetches_beside_codes<T>(a);
    for (int64_t r = begin, count; r < end; r += count) {
      float sums[kTogether];
      count = r + kTogether <= end ? kTogether : 1;
      if (count == kTogether)
        sum_rows<T, kTogether>(a, r, sums);
      else
        sum_rows<T, 1>(a, r, sums);
      for (int64_t j = 0; j < count; ++j) {
        const float factor = factor_of(a, sums[j] / float(a.cols));
        if (made) {
          norm_and_encode<T, G>(variant, a, r + j, factor, row);
          continue;
        }
        const float amax = beside ? norm_row<false, T, G>(a, r + j, factor, row.y)
                                  : norm_row<true, T, G>(a, r + j, factor, row.y);
        encode_and_fetch(variant, a, r + j, row.y, amax, beside ? next_rows<T>(a, r, j) : nullptr);
      }
    }
  });
}

template <class T>
void run_for(std::string_view variant, const Args& a, const Exec& e, int slow_bytes) {
  if (!a.with_gamma) return run_as<T, Ones>(variant, a, e, slow_bytes);
  a.gamma.type == DType::bf16 ? run_as<T, bf16>(variant, a, e, slow_bytes)
                              : run_as<T, float>(variant, a, e, slow_bytes);
}
inline void run(std::string_view variant, const Args& a, const Exec& e, int slow_bytes) {
  a.x.type == DType::bf16 ? run_for<bf16>(variant, a, e, slow_bytes)
                          : run_for<float>(variant, a, e, slow_bytes);
}

}  // namespace
}  // namespace nibble::norm_quantise
