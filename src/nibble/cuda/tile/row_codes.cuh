// A row of floats in shared memory becomes codes, block scales and a float in any of the formats of
// op encode_rows, byte for byte as on the CPU. `Encoded` is that op's struct of where they go.
//
// A lane takes sixteen elements, whose codes are 8, 16 or 32 bytes. Floats lie in shared memory so
// that this meets no bank twice: of every eight chunks of four floats, the places of two times four
// are exchanged (place_of).
#pragma once
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/tile/lane_floats.cuh"
#include "nibble/cuda/tile/nvfp4_scale.cuh"
#include "nibble/numerics/absmax.h"
#include "nibble/numerics/fp8_scale.h"
#include "nibble/numerics/mx.h"
#include "nibble/numerics/s16.h"

namespace nibble::cuda::tile {

inline constexpr int kSixteen = 16;

// Where float i of a row is, for whole chunks of four: lanes that read chunks 4 apart, those that
// write chunks 2 apart, and those that read neighbours meet each bank once.
__device__ __forceinline__ int place_of(int i) { return i ^ (i >> 3 & 0xc); }

__device__ __forceinline__ float4& chunk_at(float* row, int i) {
  return *reinterpret_cast<float4*>(row + place_of(i));
}
template <int N>
__device__ __forceinline__ void put_in_row(float* row, int i, const float (&v)[N]) {
#pragma unroll
  for (int k = 0; k < N; k += 4)
    chunk_at(row, i + k) = make_float4(v[k], v[k + 1], v[k + 2], v[k + 3]);
}

// The greatest of a block's magnitudes, NaN if one is, in all threads. Also a barrier, twice.
__device__ __forceinline__ float greatest_of_block(float most) {
  __shared__ float of_warp[8];
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    most = ptx::max_or_nan(most, __shfl_xor_sync(~0u, most, distance));
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = most;
  __syncthreads();
  for (unsigned w = 0; w < blockDim.x / 32; ++w) most = ptx::max_or_nan(most, of_warp[w]);
  __syncthreads();
  return is_nan(most) ? __uint_as_float(kFloatQuietNaN) : most;
}

// Words to any address, or to a multiple of 16 bytes (of 8, if there are no more).
template <int N>
__device__ __forceinline__ void store_words(uint8_t* to, const uint32_t (&words)[N], bool aligned) {
  if (!aligned) {
#pragma unroll
    for (int k = 0; k < 4 * N; ++k) to[k] = uint8_t(words[k / 4] >> 8 * (k % 4));
  } else if constexpr (N == 2) {
    *reinterpret_cast<uint2*>(to) = make_uint2(words[0], words[1]);
  } else {
#pragma unroll
    for (int k = 0; k < N; k += 4)
      *reinterpret_cast<uint4*>(to + 4 * k) =
          make_uint4(words[k], words[k + 1], words[k + 2], words[k + 3]);
  }
}

// What a row's codes have in common. The whole row's greatest magnitude is known.
template <class Encoded>
struct RowScale {
  float scale;  // fp8, s8, s16
  Nvfp4Shared nvfp4;

  __device__ RowScale(const Encoded& to, float amax) {
    using Format = decltype(to.format);
    scale = 1;
    if (to.format == Format::nvfp4) nvfp4 = nvfp4_shared(to.recipe, amax);
    if (to.format == Format::fp8) scale = fp8_scale(Fp8Scale::f32, amax);
    // The bits of a NaN that is divided are not the same everywhere.
    if (to.format == Format::s8) scale = is_nan(amax) ? amax : s8_scale(amax);
    if (to.format == Format::s16) scale = is_nan(amax) ? amax : s16_scale(amax);
  }
  __device__ void store(const Encoded& to, int64_t row) const {
    using Format = decltype(to.format);
    if (to.format == Format::nvfp4)
      to.scales[row] = is_nan(nvfp4.decode) ? __uint_as_float(kFloatQuietNaN) : nvfp4.decode;
    if (to.format == Format::fp8 || to.format == Format::s8 || to.format == Format::s16)
      to.scales[row] = scale;
  }
};

// Codes of sixteen elements of e2m1 that were scaled as Round takes them.
template <class Round, class Scaled>
__device__ __forceinline__ void e2m1_words(uint32_t (&words)[2], Scaled scaled) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float y[8];
#pragma unroll
    for (int k = 0; k < 8; ++k) y[k] = scaled(8 * half + k);
    words[half] = Round::e2m1s(y);
  }
}

// The low bytes of sixteen words.
template <class Word>
__device__ __forceinline__ void byte_words(uint32_t (&words)[4], Word word) {
#pragma unroll
  for (int q = 0; q < 4; ++q)
    words[q] = ptx::permute<0x5410>(ptx::permute<0x40>(word(4 * q), word(4 * q + 1)),
                                    ptx::permute<0x40>(word(4 * q + 2), word(4 * q + 3)));
}

// x in steps of a usual scale, to nearest even, as the low bits of a float: |x / scale| < 2^22.
__device__ __forceinline__ uint32_t steps_of(float x, float scale, float inverse) {
  return __float_as_uint(quotient<false>(x, scale, inverse) + 0x1.8p23f);
}

// Where one lane's codes go, and how.
template <class Encoded>
struct Sixteen {
  const Encoded& to;
  const float* row;  // shared memory
  int at;            // of the first in it
  int64_t row_number, column, cols;
  bool aligned;

  __device__ uint8_t* codes(int bits) const {
    return to.codes + (row_number * cols + column) * bits / 8;
  }
  // One by one from shared memory: what has no usual scale is rare, and the code is short.
  template <class Element>
  __device__ void store_singly(int bits, Element element) const {
#pragma unroll 1
    for (int k = 0; k < kSixteen; k += 2) {
      const uint32_t low = element(row[place_of(at + k)]);
      const uint32_t high = element(row[place_of(at + k + 1)]);
      uint8_t* p = codes(bits) + k * bits / 8;
      p[0] = uint8_t(bits == 4 ? low | high << 4 : low);
      if (bits >= 8) p[1] = uint8_t(bits == 8 ? high : low >> 8);
      if (bits == 16) p[2] = uint8_t(high), p[3] = uint8_t(high >> 8);
    }
  }
};

template <class Round, class Encoded>
__device__ __forceinline__ void nvfp4_sixteen(const Sixteen<Encoded>& s, const Nvfp4Shared& shared,
                                              const float (&x)[kSixteen], float amax) {
  const Nvfp4 mode = s.to.recipe;
  const Nvfp4Scale scale = nvfp4_scale_of<Round>(mode, shared, amax);
  s.to.block_scales[(s.row_number * s.cols + s.column) / kNvfp4Block] = uint8_t(scale.code);
  const float inverse = divides(mode) ? 1 / scale.factor : 1;
  if (!scale.template is_usual<Round>(mode, inverse, amax))
    return s.store_singly(4, [&](float v) { return nvfp4_code(mode, scale.factor, v); });
  uint32_t words[2];
  if (divides(mode))
    e2m1_words<Round>(words,
                      [&](int k) { return nvfp4_quotient<Round>(scale.factor, inverse, x[k]); });
  else
    e2m1_words<Round>(words, [&](int k) { return nvfp4_product<Round>(mode, scale.factor, x[k]); });
  store_words(s.codes(4), words, s.aligned);
}

template <class Round, class Encoded>
__device__ __forceinline__ void mxfp4_sixteen(const Sixteen<Encoded>& s, const float (&x)[kSixteen],
                                              float amax) {
  const ue8m0 scale = mx_scale<e2m1>(s.to.rule, amax);
  if (s.column % kMxBlock == 0)
    s.to.block_scales[(s.row_number * s.cols + s.column) / kMxBlock] = scale.bits;
  // As numerics/mx.h has it in double: in float the product is exact, too, but far below half of
  // the least element. A block without numbers has codes 0.
  const float f =
      __uint_as_float(scale.bits == 254 ? 0x00400000u : uint32_t(254 - scale.bits) << 23);
  uint32_t words[2] = {};
  if (scale.bits != 0xff)
    e2m1_words<Round>(words, [&](int k) { return Round::saturated(x[k] * f * Round::kLift); });
  store_words(s.codes(4), words, s.aligned);
}

template <class Round, class Encoded>
__device__ __forceinline__ void fp8_sixteen(const Sixteen<Encoded>& s, const float (&x)[kSixteen],
                                            float scale) {
  if (!is_usual(scale))
    return s.store_singly(8, [&](float v) { return uint32_t(fp8_element(scale, v).bits); });
  const float inverse = 1 / scale;
  uint32_t words[4];
#pragma unroll
  for (int q = 0; q < 4; ++q) {
    float y[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) y[k] = quotient<true>(x[4 * q + k], scale, inverse);
    words[q] = Round::pair(e4m3{}, y[0], y[1]) | Round::pair(e4m3{}, y[2], y[3]) << 16;
  }
  store_words(s.codes(8), words, s.aligned);
}

template <class Encoded>
__device__ __forceinline__ void s8_sixteen(const Sixteen<Encoded>& s, const float (&x)[kSixteen],
                                           float scale) {
  if (!is_usual(scale))
    return s.store_singly(8, [&](float v) { return uint32_t(uint8_t(s8_element(scale, v))); });
  const float inverse = 1 / scale;
  uint32_t words[4];
  byte_words(words, [&](int k) { return steps_of(x[k], scale, inverse); });
  store_words(s.codes(8), words, s.aligned);
}

template <class Encoded>
__device__ __forceinline__ void s16_sixteen(const Sixteen<Encoded>& s, const float (&x)[kSixteen],
                                            float scale) {
  if (!is_usual(scale))
    return s.store_singly(16, [&](float v) { return uint32_t(uint16_t(s16_element(scale, v))); });
  const float inverse = 1 / scale;
  uint32_t words[8];
#pragma unroll
  for (int q = 0; q < 8; ++q)
    words[q] = ptx::permute<0x5410>(steps_of(x[2 * q], scale, inverse),
                                    steps_of(x[2 * q + 1], scale, inverse));
  store_words(s.codes(16), words, s.aligned);
}

// The codes of `count` elements from `column` of the row on, which lie at the beginning of `row`.
template <class Round, class Encoded>
__device__ __forceinline__ void encode_row(const Encoded& to, const RowScale<Encoded>& of_row,
                                           const float* row, int64_t row_number, int64_t cols,
                                           int64_t column, int count, bool aligned) {
  using Format = decltype(to.format);
  for (int first = int(threadIdx.x & ~31u) * kSixteen; first < count;
       first += int(blockDim.x) * kSixteen) {
    const int at = first + int(threadIdx.x % 32) * kSixteen;
    float x[kSixteen] = {};
    if (at < count)
#pragma unroll
      for (int k = 0; k < kSixteen; k += 4) {
        const float4 q = *reinterpret_cast<const float4*>(row + place_of(at + k));
        x[k] = q.x, x[k + 1] = q.y, x[k + 2] = q.z, x[k + 3] = q.w;
      }
    float amax = 0;
    if (to.format == Format::nvfp4 || to.format == Format::mxfp4 || to.format == Format::fp8_128)
      amax = amax_of_lane(x);
    if (to.format == Format::mxfp4 || to.format == Format::fp8_128)
      amax = ptx::max_or_nan(amax, __shfl_xor_sync(~0u, amax, 1));
    if (to.format == Format::fp8_128)
#pragma unroll
      for (int distance = 2; distance < 128 / kSixteen; distance *= 2)
        amax = ptx::max_or_nan(amax, __shfl_xor_sync(~0u, amax, distance));
    if (at >= count) continue;
    const Sixteen<Encoded> s{to, row, at, row_number, column + at, cols, aligned};
    switch (to.format) {
      case Format::nvfp4:
        nvfp4_sixteen<Round>(s, of_row.nvfp4, x, amax);
        break;
      case Format::mxfp4:
        mxfp4_sixteen<Round>(s, x, amax);
        break;
      case Format::fp8_128: {
        const float scale = fp8_scale(Fp8Scale::f32, amax);
        const int64_t across = (cols + 127) / 128;
        if ((column + at) % 128 == 0) to.scales[row_number * across + (column + at) / 128] = scale;
        fp8_sixteen<Round>(s, x, scale);
        break;
      }
      case Format::fp8:
        fp8_sixteen<Round>(s, x, of_row.scale);
        break;
      case Format::s8:
        s8_sixteen(s, x, of_row.scale);
        break;
      case Format::s16:
        s16_sixteen(s, x, of_row.scale);
        break;
    }
  }
}

// How much of a row lies in shared memory at once, and the launch: a block of threads for a row.
// Small blocks, so that many rows are at different places of their way at once; those whose memory
// lets few be resident get more threads.
struct RowPlan {
  int chunk;  // of whole blocks in every format
  Launch launch;
};
template <class Encoded>
RowPlan row_plan(int64_t rows, int64_t cols) {
  constexpr int64_t kMost = 24 * 1024;  // 96 KiB: every architecture has them
  const int64_t chunk = cols < kMost ? (cols + 127) / 128 * 128 : kMost;
  const int64_t lanes = (chunk / kSixteen + 31) / 32 * 32;
  return {int(chunk),
          {.grid = unsigned(rows),
           .block = unsigned(lanes > 1024  ? 256
                             : lanes < 128 ? lanes
                                           : 128),
           .smem_bytes = size_t(chunk) * sizeof(float)}};
}
template <class Encoded>
bool codes_are_aligned(const Encoded& to, int64_t cols) {
  return reinterpret_cast<uintptr_t>(to.codes) % 16 == 0 && cols % kSixteen == 0;
}

}  // namespace nibble::cuda::tile
