// Conversions between floats and FP8, of sm_89 and later. Of the two that are narrowed the first
// takes all values of a half, the other any float.
#pragma once
#include "nibble/cuda/ptx/half.cuh"
#include "nibble/cuda/ptx/narrow.cuh"
#include "ptx_common.cuh"
#include "ptx_matrix.cuh"

namespace ptx_test {

template <class Format>
struct NarrowTo;
template <>
struct NarrowTo<nibble::e4m3> {
  static constexpr const char* name = "narrow_e4m3x2";
  static constexpr int bits = 8;
  static __device__ uint32_t two(float low, float high) {
    return nibble::cuda::ptx::narrow_e4m3x2(low, high);
  }
  static uint32_t one(float x) {
    return nibble::is_nan(x) ? 0x7f : nibble::to_e4m3_saturating(x).bits;
  }
};
template <>
struct NarrowTo<nibble::e5m2> {
  static constexpr const char* name = "narrow_e5m2x2";
  static constexpr int bits = 8;
  static __device__ uint32_t two(float low, float high) {
    return nibble::cuda::ptx::narrow_e5m2x2(low, high);
  }
  static uint32_t one(float x) {
    return nibble::is_nan(x) ? 0x7f : nibble::to_e5m2_saturating(x).bits;
  }
};
template <class Format>
struct NarrowPair : NarrowTo<Format> {
  static constexpr Kind kind = Kind::bits;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const float low = nibble::cuda::ptx::widen_f16x2(in[0]).x, high = __uint_as_float(in[1]);
    out[0] = NarrowTo<Format>::two(low, high), out[1] = NarrowTo<Format>::two(high, low);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    const uint32_t low = NarrowTo<Format>::one(low_half(in[0]));
    const uint32_t high = NarrowTo<Format>::one(bit_cast<float>(in[1]));
    out[0] = low | high << NarrowTo<Format>::bits, out[1] = high | low << NarrowTo<Format>::bits;
  }
};

// All pairs of e4m3.
struct WidenE4m3 {
  static constexpr const char* name = "widen_e4m3x2";
  static constexpr Kind kind = Kind::halves;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    out[0] = nibble::cuda::ptx::widen_e4m3x2(in[0]);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    const auto value = [](uint32_t b) { return nibble::to_float(nibble::e4m3{uint8_t(b)}); };
    out[0] = pack(value(in[0]), value(in[0] >> 8));
  }
};
// sm_89 and later.
inline void add_narrow(Tests& t) {
  t.add<WidenE4m3>();
  t.add<NarrowPair<nibble::e4m3>>();
  t.add<NarrowPair<nibble::e5m2>>();
  t.add<Scales<tile::Widened>>();
  t.add_together<Mma<E4m3>>();
}

}  // namespace ptx_test
