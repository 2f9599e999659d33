// Compiled once per ISA.
#pragma once
#include <algorithm>
#include <cstring>

#include "nibble/cpu/fetch.h"
#include "nibble/cpu/narrow16.h"
#include "nibble/ops/encode_fp8/kernels.h"

namespace nibble::encode_fp8 {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

template <class T>
[[gnu::always_inline]] inline I16 greatest(const T* x, int64_t count, I16 most) {
  int64_t i = 0;
  I16 other = most;
  for (; i + 32 <= count; i += 32) {
    most = cpu::max(most, cpu::magnitude(cpu::load(x + i)));
    other = cpu::max(other, cpu::magnitude(cpu::load(x + i + 16)));
  }
  for (; i + 16 <= count; i += 16) most = cpu::max(most, cpu::magnitude(cpu::load(x + i)));
  if (i < count) most = cpu::max(most, cpu::magnitude(cpu::load_part(x + i, count - i)));
  return cpu::max(most, other);
}

constexpr int64_t kStoreAhead = 256;  // lines that stores need are asked for so many bytes before

constexpr float kDown = 1.0f / (1 << cpu::lift_of<7, 3, 8>());

// `scale` is the positive and normal scale times kDown, which lifts the quotient; x is finite.
template <bool kSaturates>
[[gnu::always_inline]] inline I16 code_of(F16 x, F16 scale) {
  return cpu::with_sign<8>(cpu::lifted_code<7, 3, 8, kSaturates>(x / scale, 448));
}

template <bool kSaturates, class T>
[[gnu::always_inline]] inline void codes_of(const T* x, int64_t count, F16 scale, e4m3* codes) {
  int64_t i = 0;
  for (; i + 64 <= count; i += 64) {
    I16 c[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) c[j] = code_of<kSaturates>(cpu::load(x + i + 16 * j), scale);
    cpu::store_bytes(codes + i, c);
  }
  for (; i + 16 <= count; i += 16)
    cpu::store_u8(codes + i, code_of<kSaturates>(cpu::load(x + i), scale));
  if (i < count) {
    uint8_t part[16];
    cpu::store_u8(part, code_of<kSaturates>(cpu::load_part(x + i, count - i), scale));
    std::memcpy(codes + i, part, size_t(count - i));
  }
}

// Elements that have one scale, number `at`: rows begin..end, columns from..to.
struct Box {
  int64_t begin = 0, end = 0, from = 0, to = 0, at = 0;

  int64_t rows() const { return end - begin; }
  int64_t cols() const { return to - from; }
  // Of row r, or of the last if there is none: of no elements then.
  int64_t start(int64_t r, int64_t row) const {
    return (begin + (r < rows() ? r : rows() > 0 ? rows() - 1 : 0)) * row + from;
  }
  int64_t count(int64_t r) const { return r < rows() ? cols() : 0; }
};

// The codes of a box, and the greatest magnitude of the one that comes next: both at a time, so
// that memory is busy all the time, with one box in the cache and the next on its way.
template <bool kSaturates, class T>
[[gnu::noinline]] I16 encode_and_find(const Args& a, const Box& box, const Box& next, F16 scale) {
  const auto* x = static_cast<const T*>(a.x.data);
  // After a piece of a row comes what is to the right of it.
  const int64_t ahead =
      next.cols() == a.cols ? cpu::kFetchAheadBytes : next.cols() * int64_t(sizeof(T));
  I16 most = splat(0);
  for (int64_t r = 0; r < box.rows() || r < next.rows(); ++r) {
    const int64_t count = box.count(r), next_count = next.count(r);
    const int64_t both = (count < next_count ? count : next_count) / 64 * 64;
    const int64_t at = box.start(r, a.cols);
    const T* const after = x + next.start(r, a.cols);
    for (int64_t i = 0; i < both; i += 64) {
      cpu::fetch_ahead<64 * sizeof(T)>(after + i, ahead);
      I16 c[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        most = cpu::max(most, cpu::magnitude(cpu::load(after + i + 16 * j)));
        c[j] = code_of<kSaturates>(cpu::load(x + at + i + 16 * j), scale);
      }
      __builtin_prefetch(a.codes + at + i + kStoreAhead, 1);
      cpu::store_bytes(a.codes + at + i, c);
    }
    codes_of<kSaturates>(x + at + both, count - both, scale, a.codes + at + both);
    most = greatest(after + both, next_count - both, most);
  }
  return most;
}

// Writes scale and codes of a box with that greatest magnitude; returns the next one's.
template <class T>
I16 encode(const Args& a, const Box& box, const Box& next, I16 most) {
  const uint32_t found = uint32_t(cpu::greatest_lane(most));
  const float amax = a.amax ? *a.amax : bit_cast<float>(found);
  const float scale = fp8_scale(a.scale, amax);
  if (found >= kFloatInf || !(scale >= 0x1p-120f) || magnitude_bits(scale) >= kFloatInf) {
    encode_tile(a, box.begin, box.end, box.from, box.to, box.at);
    return encode_and_find<true, T>(a, {}, next, splat(1.0f));
  }
  if (a.scales_ue8m0)
    a.scales_ue8m0[box.at] = fp8_scale_ue8m0(amax);
  else
    a.scales[box.at] = scale;
  const F16 lifting = splat(scale * kDown);
  // Below 464 all rounds to 448. A tile's own amax is at most that, by a scale rounded to bf16 too.
  if (bit_cast<float>(found) < 460 * scale) return encode_and_find<false, T>(a, box, next, lifting);
  return encode_and_find<true, T>(a, box, next, lifting);
}

template <class T>
void run_as(const Args& a, const Exec& e) {
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  // A tensor's amax is known, so that its rows are tiles of their own with the same scale.
  const int64_t strip = a.tile == Tile::tensor ? 1 : g.tile_rows;
  const int64_t strips = (a.rows + strip - 1) / strip;
  const auto box = [&](int64_t n) {
    const int64_t s = n / g.cols, t = n % g.cols;
    return Box{s * strip, std::min(a.rows, (s + 1) * strip), t * g.tile_cols,
               std::min(a.cols, (t + 1) * g.tile_cols), a.tile == Tile::tensor ? 0 : n};
  };
  parallel_for(e.pool, strips, rows_per_task(strip * a.cols), [&](int64_t begin, int64_t end) {
    Box now = box(begin * g.cols);
    I16 most = encode_and_find<true, T>(a, {}, now, splat(1.0f));
    for (int64_t n = begin * g.cols; n < end * g.cols; ++n) {
      const Box next = n + 1 < end * g.cols ? box(n + 1) : Box{};
      most = encode<T>(a, now, next, most);
      now = next;
    }
  });
}

inline void run(const Args& a, const Exec& e) {
  if (a.x.type == DType::bf16) return run_as<bf16>(a, e);
  if (a.x.type == DType::fp16) return run_as<fp16>(a, e);
  run_as<float>(a, e);
}

}  // namespace
}  // namespace nibble::encode_fp8
