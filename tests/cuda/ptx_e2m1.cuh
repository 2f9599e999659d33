// Conversions to and from e2m1, of sm_100a and sm_120f: their PTX assembles for these alone.
#pragma once
#include "ptx_narrow.cuh"

namespace ptx_test {

template <>
struct NarrowTo<nibble::e2m1> {
  static constexpr const char* name = "narrow_e2m1x2";
  static constexpr int bits = 4;
  static __device__ uint32_t two(float low, float high) {
    return nibble::cuda::ptx::narrow_e2m1x2(low, high);
  }
  static uint32_t one(float x) { return nibble::to_e2m1_saturating(x).bits; }
};

// Every place meets all codes.
struct WidenE2m1 {
  static constexpr const char* name = "widen_e2m1x8";
  static constexpr Kind kind = Kind::bits;  // signs of zeros, too
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    uint32_t h[4];
    nibble::cuda::ptx::widen_e2m1x8(in[0] ^ in[1], h);
    for (int i = 0; i < 4; ++i) out[i] = h[i];
  }
  static void want(const uint32_t* in, uint32_t* out) { pairs_of(in[0] ^ in[1], out); }
};
// Floats that are halves, NaN among them. Which place gets which changes four times.
struct NarrowE2m1 {
  static constexpr const char* name = "narrow_e2m1x8";
  static constexpr Kind kind = Kind::bits;
  static __host__ __device__ uint32_t half_at(const uint32_t* in, int place, int turn) {
    const uint32_t i = uint32_t(place + turn) % 8;
    return (in[i / 2] >> 16 * (i % 2)) & 0xffffu;
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    for (int turn = 0; turn < 4; ++turn) {
      float x[8];
      for (int i = 0; i < 8; ++i) x[i] = nibble::cuda::ptx::widen_f16x2(half_at(in, i, turn)).x;
      out[turn] = nibble::cuda::ptx::narrow_e2m1x8(x);
    }
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int turn = 0; turn < 4; ++turn)
      for (int i = 0; i < 8; ++i)
        out[turn] |= NarrowTo<nibble::e2m1>::one(low_half(half_at(in, i, turn))) << 4 * i;
  }
};

inline void add_e2m1(Tests& t) {
  t.add<WidenE2m1>();
  t.add<NarrowPair<nibble::e2m1>>();
  t.add<NarrowE2m1>();
  t.add<E2m1s<tile::RoundByConversion>>();
  t.add<Codes<tile::Converted>>();
}

}  // namespace ptx_test
