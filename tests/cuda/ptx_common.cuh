// The instructions of sm_80, which all architectures have.
#pragma once
#include "nibble/cuda/ptx/bits.cuh"
#include "nibble/cuda/ptx/dot.cuh"
#include "nibble/cuda/ptx/float.cuh"
#include "nibble/cuda/ptx/half.cuh"
#include "nibble/cuda/ptx/load.cuh"
#include "nibble/cuda/ptx/look_up.cuh"
#include "nibble/cuda/tile/e2m1_bytes.cuh"
#include "nibble/cuda/tile/nvfp4.cuh"
#include "nibble/cuda/tile/quotient.cuh"
#include "nibble/cuda/tile/round_codes.cuh"
#include "nibble/cuda/tile/warp_sum.cuh"
#include "ptx_test.cuh"

namespace ptx_test {

namespace ptx = nibble::cuda::ptx;
namespace tile = nibble::cuda::tile;

struct Fma {
  static constexpr const char* name = "fma_f16x2";
  static constexpr Kind kind = Kind::halves;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    out[0] = ptx::fma_f16x2(in[0], in[1], in[2]);
  }
  // The product is exact in double, and so is the sum where a tie could hang on it: there the
  // lowest bit of the product is less than 53 below the highest of the sum.
  static void want(const uint32_t* in, uint32_t* out) {
    out[0] = pack_exact(double(low_half(in[0])) * low_half(in[1]) + low_half(in[2]),
                        double(high_half(in[0])) * high_half(in[1]) + high_half(in[2]));
  }
};
struct Mul {
  static constexpr const char* name = "mul_f16x2";
  static constexpr Kind kind = Kind::halves;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    out[0] = ptx::mul_f16x2(in[0], in[1]);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    out[0] = pack_exact(double(low_half(in[0])) * low_half(in[1]),
                        double(high_half(in[0])) * high_half(in[1]));
  }
};
struct Widen {
  static constexpr const char* name = "widen_f16x2";
  static constexpr Kind kind = Kind::floats;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const float2 f = ptx::widen_f16x2(in[0]);
    out[0] = __float_as_uint(f.x), out[1] = __float_as_uint(f.y);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    out[0] = bit_cast<uint32_t>(low_half(in[0])), out[1] = bit_cast<uint32_t>(high_half(in[0]));
  }
};
struct Narrow {
  static constexpr const char* name = "narrow_f16";
  static constexpr Kind kind = Kind::bits;  // its NaN is one
  // Any float, and one near a half: ties, subnormals and what overflows are among them.
  static __host__ __device__ uint32_t near(const uint32_t* in) {
    return ((in[0] & 0x7fffu) << 13) + (112u << 23) + (in[1] & 3u) * 0x1000u - 1 +
           (in[1] >> 2 & 3u);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    out[0] = ptx::narrow_f16(__uint_as_float(in[0]));
    out[1] = ptx::narrow_f16(__uint_as_float(near(in)));
  }
  static void want(const uint32_t* in, uint32_t* out) {
    const auto half = [](uint32_t bits) {
      const float x = bit_cast<float>(bits);
      return x != x ? uint32_t(0x7fff) : uint32_t(nibble::to_fp16(x).bits);
    };
    out[0] = half(in[0]), out[1] = half(near(in));
  }
};
struct MaxOrNan {
  static constexpr const char* name = "max_or_nan";
  static constexpr Kind kind = Kind::floats;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const float a = __uint_as_float(in[0] << 16), b = __uint_as_float(in[1]);
    out[0] = __float_as_uint(ptx::max_or_nan(a, b));
    out[1] = __float_as_uint(ptx::max_or_nan(fabsf(b), fabsf(a)));
  }
  static void want(const uint32_t* in, uint32_t* out) {
    const auto greater = [](float a, float b) {
      return bit_cast<uint32_t>(a != a || b != b ? NAN : a < b ? b : a);
    };
    const float a = bit_cast<float>(in[0] << 16), b = bit_cast<float>(in[1]);
    out[0] = greater(a, b), out[1] = greater(std::fabs(a), std::fabs(b));
  }
};
// Eight elements of e2m1 as encoders make them: values of halves, ties among them, and any floats.
template <class Round>
struct E2m1s {
  static constexpr const char* name = "e2m1s";
  static constexpr Kind kind = Kind::bits;
  static float element(const uint32_t* in, int k) {
    const float x = k < 6 ? (k % 2 == 0 ? low_half(in[k / 2]) : high_half(in[k / 2]))
                          : bit_cast<float>(in[k == 6 ? 1 : 3]);
    return x != x ? 1.0f : x;
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    float y[8];
    for (int k = 0; k < 8; ++k) {
      const float2 two = ptx::widen_f16x2(in[k / 2 % 3]);
      y[k] = k < 6 ? (k % 2 == 0 ? two.x : two.y) : __uint_as_float(in[k == 6 ? 1 : 3]);
      if (y[k] != y[k]) y[k] = 1;
      y[k] = Round::saturated(y[k] * Round::kLift);
    }
    out[0] = Round::e2m1s(y);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int k = 0; k < 8; ++k)
      out[0] |= uint32_t(nibble::to_e2m1_saturating(element(in, k)).bits) << 4 * k;
  }
};
// Divisors over all of their range and quotients over all of that where they are to be exact.
struct Quotient {
  static constexpr const char* name = "quotient";
  static constexpr Kind kind = Kind::bits;
  static __host__ __device__ uint32_t divisor(const uint32_t* in) {
    return (47 + (in[0] & 0xffff) % 160) << 23 | (in[1] & 0x807fffffu);
  }
  static __host__ __device__ uint32_t dividend(const uint32_t* in) {
    const uint32_t exponent = (divisor(in) >> 23 & 0xff) + (in[3] >> 8) % 40;
    return (exponent - 20) << 23 | (in[2] & 0x807fffffu);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const float f = fabsf(__uint_as_float(divisor(in))), x = __uint_as_float(dividend(in));
    const float zero = copysignf(0.0f, x);
    out[0] = __float_as_uint(tile::quotient<true>(x, f, 1 / f));
    out[1] = __float_as_uint(tile::quotient<false>(x, f, 1 / f));
    out[2] = __float_as_uint(tile::quotient<true>(zero, f, 1 / f));
    out[3] = __float_as_uint(tile::quotient<false>(zero, f, 1 / f)) | uint32_t(!tile::is_usual(f));
  }
  static void want(const uint32_t* in, uint32_t* out) {
    const float f = std::fabs(bit_cast<float>(divisor(in))), x = bit_cast<float>(dividend(in));
    out[0] = out[1] = bit_cast<uint32_t>(x / f);
    out[2] = bit_cast<uint32_t>(std::copysign(0.0f, x)), out[3] = 0;
  }
};
inline uint32_t permuted(uint32_t low, uint32_t high, uint32_t selector) {
  const uint64_t both = low | uint64_t(high) << 32;
  uint32_t d = 0;
  for (int i = 0; i < 4; ++i) {
    const uint32_t s = selector >> 4 * i & 15, byte = uint32_t(both >> 8 * (s & 7)) & 255;
    d |= (s & 8 ? (byte & 0x80 ? 255u : 0u) : byte) << 8 * i;
  }
  return d;
}
struct Permute {
  static constexpr const char* name = "permute";
  static constexpr Kind kind = Kind::bits;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    out[0] = ptx::permute<0x1404>(in[0], in[1]), out[1] = ptx::permute<0x7362>(in[0], in[1]);
    out[2] = ptx::permute<0xba98>(in[0], in[1]);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    out[0] = permuted(in[0], in[1], 0x1404), out[1] = permuted(in[0], in[1], 0x7362);
    out[2] = permuted(in[0], in[1], 0xba98);
  }
};
// The low half of the first word takes all values: all selectors.
struct LookUp {
  static constexpr const char* name = "look_up";
  static constexpr Kind kind = Kind::bits;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    out[0] = ptx::look_up(in[1], in[2], in[0]);
  }
  static void want(const uint32_t* in, uint32_t* out) { out[0] = permuted(in[1], in[2], in[0]); }
};
struct Dot {
  static constexpr const char* name = "dot";
  static constexpr Kind kind = Kind::bits;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    out[0] = uint32_t(ptx::dot_s8(in[0], in[1], int32_t(in[2])));
    out[1] = uint32_t(ptx::dot_u8s8(in[0], in[1], int32_t(in[2])));
  }
  static void want(const uint32_t* in, uint32_t* out) {
    out[0] = out[1] = in[2];
    for (int i = 0; i < 32; i += 8) {
      const int a = int(in[0] >> i & 255), b = int8_t(in[1] >> i);
      out[0] += uint32_t(int8_t(a) * b), out[1] += uint32_t(a * b);
    }
  }
};
struct Logic {
  static constexpr const char* name = "logic";
  static constexpr Kind kind = Kind::bits;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    out[0] = ptx::logic<(0xf0 & 0xcc) | 0xaa>(in[0], in[1], in[2]);
    out[1] = ptx::logic<0xf0 ^ 0xcc ^ 0xaa>(in[0], in[1], in[2]);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    out[0] = (in[0] & in[1]) | in[2], out[1] = in[0] ^ in[1] ^ in[2];
  }
};
struct Loads {
  static constexpr const char* name = "loads";
  static constexpr Kind kind = Kind::bits;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const uint4 a = ptx::load_streamed(in), b = ptx::load_kept(in);
    out[0] = a.x ^ b.y, out[1] = a.z ^ b.w, out[2] = b.x + a.w;
    out[3] = ptx::load_kept16(in) | ptx::load_kept16(reinterpret_cast<const char*>(in) + 6) << 16;
  }
  static void want(const uint32_t* in, uint32_t* out) {
    out[0] = in[0] ^ in[1], out[1] = in[2] ^ in[3], out[2] = in[0] + in[3];
    out[3] = (in[0] & 0xffff) | (in[1] & 0xffff0000u);
  }
};

inline float code_value(uint32_t word, int n) {
  return nibble::to_float(nibble::e2m1{uint8_t(word >> 4 * n & 15)});
}
// Pairs of neighbours of what a word of eight codes stands for.
inline void pairs_of(uint32_t word, uint32_t* out) {
  for (int i = 0; i < 4; ++i) out[i] = pack(code_value(word, 2 * i), code_value(word, 2 * i + 1));
}
// Bytes of the four low codes, three ways.
struct TwiceE2m1 {
  static constexpr const char* name = "twice_e2m1";
  static constexpr Kind kind = Kind::bits;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const uint32_t flipped = in[0] ^ 0x88888888u;
    out[0] = tile::twice_positive(in[0]), out[1] = tile::twice_lifted(in[0], flipped);
    out[2] = tile::twice_signed(in[0], flipped);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int n = 0; n < 4; ++n) {
      const int twice = int(2 * code_value(in[0], n));
      out[0] |= uint32_t(twice > 0 ? twice : 0) << 8 * n;
      out[1] |= uint32_t(tile::kTwiceOffset + twice) << 8 * n;
      out[2] |= uint32_t(uint8_t(twice)) << 8 * n;
    }
  }
};
template <class Decode>
struct Codes {
  static constexpr const char* name = "codes";
  static constexpr Kind kind = Kind::bits;  // signs of zeros, too
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    uint32_t h[4];
    Decode::codes(in[0], h);
    for (int i = 0; i < 4; ++i) out[i] = h[i];
  }
  static void want(const uint32_t* in, uint32_t* out) { pairs_of(in[0], out); }
};
struct LaidOutCodes : Codes<tile::LaidOut<tile::Shifted>> {
  static constexpr const char* name = "laid out codes";
  static void want(const uint32_t* in, uint32_t* out) {
    pairs_of(nibble::from_shifted_codes(in[0]), out);
  }
};
template <class Decode>
struct Scales {
  static constexpr const char* name = "scales";
  static constexpr Kind kind = Kind::floats;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const float2 f = Decode::scales(in[0] & 0xffff);
    out[0] = __float_as_uint(f.x), out[1] = __float_as_uint(f.y);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < 2; ++i)
      out[i] = bit_cast<uint32_t>(nibble::to_float(nibble::e4m3{uint8_t(in[0] >> 8 * i)}));
  }
};

// Small integers, so that every order of sums gives the same; which lane has which sum is the
// point.
template <int N>
struct WarpSum {
  static constexpr const char* name = "warp_sum";
  static constexpr Kind kind = Kind::bits;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const int lane = int(threadIdx.x % 32);
    float v[N];
    for (int i = 0; i < N; ++i) v[i] = float(lane * 3 + i * 1000);
    out[0] = uint32_t(tile::warp_sum(v, lane)), out[1] = uint32_t(tile::value_of_lane<N>(lane));
    // The input holds the lane in its low bits: the host can tell.
    out[2] = in[0] % 32 == uint32_t(lane);
    out[3] = tile::is_first_of_value<N>(lane);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    const uint32_t lane = in[0] % 32, value = lane / (32 / N);
    out[0] = 31 * 16 * 3 + 32 * value * 1000, out[1] = value, out[2] = 1;
    out[3] = lane % (32 / N) == 0;
  }
};

inline void add_common(Tests& t) {
  t.add<Fma>();
  t.add<Mul>();
  t.add<Widen>();
  t.add<Narrow>();
  t.add<MaxOrNan>();
  t.add<E2m1s<tile::RoundByArithmetic>>();
  t.add<Quotient>();
  t.add<Permute>();
  t.add<LookUp>();
  t.add<Dot>();
  t.add<Logic>();
  t.add<Loads>();
  t.add<TwiceE2m1>();
  t.add<Scales<tile::Shifted>>();
  t.add<LaidOutCodes>();
  t.add<WarpSum<1>>();
  t.add<WarpSum<4>>();
  t.add<WarpSum<32>>();
}

}  // namespace ptx_test
