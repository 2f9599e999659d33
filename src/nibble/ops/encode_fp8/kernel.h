// Compiled once per ISA.
#pragma once
#include <algorithm>
#include <cstring>

#include "nibble/cpu/narrow16.h"
#include "nibble/ops/encode_fp8/kernels.h"

namespace nibble::encode_fp8 {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

// Both passes over a row fetch half of what is read next, `ahead` elements on, so that memory is
// busy in both of them: into L2, for L1 need not hold two rows of 16 KiB.
template <class T>
[[gnu::always_inline]] inline void fetch(const T* x, int64_t count) {
  for (int64_t i = 0; i < count; i += int64_t(64 / sizeof(T))) __builtin_prefetch(x + i, 0, 2);
}

template <class T>
[[gnu::always_inline]] inline I16 greatest(const T* x, int64_t count, int64_t ahead, I16 most) {
  int64_t i = 0;
  I16 other = most;
  for (; i + 32 <= count; i += 32) {
    fetch(x + ahead + i / 2, 16);
    most = cpu::max(most, cpu::magnitude(cpu::load(x + i)));
    other = cpu::max(other, cpu::magnitude(cpu::load(x + i + 16)));
  }
  for (; i + 16 <= count; i += 16) most = cpu::max(most, cpu::magnitude(cpu::load(x + i)));
  if (i < count) most = cpu::max(most, cpu::magnitude(cpu::load_part(x + i, count - i)));
  return cpu::max(most, other);
}

constexpr float kDown = 1.0f / (1 << cpu::lift_of<7, 3, 8>());

// `scale` is the positive and normal scale times kDown, which lifts the quotient; x is finite.
template <bool kSaturates>
[[gnu::always_inline]] inline I16 code_of(F16 x, F16 scale) {
  return cpu::with_sign<8>(cpu::lifted_code<7, 3, 8, kSaturates>(x / scale, 448));
}

template <bool kSaturates, class T>
[[gnu::always_inline]] inline void codes_of(const T* x, int64_t count, int64_t ahead, F16 scale,
                                            e4m3* codes) {
  int64_t i = 0;
  for (; i + 64 <= count; i += 64) {
    fetch(x + ahead + (count + i) / 2, 32);
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

// As encode_tile() of kernels.h. The second pass over a tile finds it in the cache.
template <class T>
void tile(const Args& a, int64_t begin, int64_t end, int64_t from, int64_t to, int64_t at) {
  const auto* x = static_cast<const T*>(a.x.data);
  // Next come the rows below, or the tile to the right.
  const int64_t ahead = to - from == a.cols ? (end - begin) * a.cols : to - from;
  I16 most = splat(0);
  for (int64_t r = begin; r < end; ++r)
    most = greatest(x + r * a.cols + from, to - from, ahead, most);
  const uint32_t found = uint32_t(cpu::greatest_lane(most));
  const float amax = a.amax ? *a.amax : bit_cast<float>(found);
  const float scale = fp8_scale(a.scale, amax);
  if (found >= kFloatInf || !(scale >= 0x1p-120f) || magnitude_bits(scale) >= kFloatInf)
    return encode_tile(a, begin, end, from, to, at);
  if (a.scales_ue8m0)
    a.scales_ue8m0[at] = fp8_scale_ue8m0(amax);
  else
    a.scales[at] = scale;
  const F16 lifting = splat(scale * kDown);
  // Below 464 all rounds to 448. A tile's own amax is at most that, by a scale rounded to bf16 too.
  const bool fits = bit_cast<float>(found) < 460 * scale;
  for (int64_t r = begin; r < end; ++r) {
    const int64_t i = r * a.cols + from;
    if (fits)
      codes_of<false>(x + i, to - from, ahead, lifting, a.codes + i);
    else
      codes_of<true>(x + i, to - from, ahead, lifting, a.codes + i);
  }
}

template <class T>
void run_as(const Args& a, const Exec& e) {
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  // A tensor's amax is known, so that its rows are tiles of their own with the same scale.
  const int64_t strip = a.tile == Tile::tensor ? 1 : g.tile_rows;
  const int64_t strips = (a.rows + strip - 1) / strip;
  parallel_for(e.pool, strips, rows_per_task(strip * a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s)
      for (int64_t t = 0; t < g.cols; ++t)
        tile<T>(a, s * strip, s * strip + strip < a.rows ? s * strip + strip : a.rows,
                t * g.tile_cols, (t + 1) * g.tile_cols < a.cols ? (t + 1) * g.tile_cols : a.cols,
                a.tile == Tile::tensor ? 0 : s * g.cols + t);
  });
}

inline void run(const Args& a, const Exec& e) {
  if (a.x.type == DType::bf16) return run_as<bf16>(a, e);
  if (a.x.type == DType::fp16) return run_as<fp16>(a, e);
  run_as<float>(a, e);
}

}  // namespace
}  // namespace nibble::encode_fp8
