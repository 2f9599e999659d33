// The instructions of sm_80, which all architectures have.
#pragma once
#include "nibble/cuda/ptx/bits.cuh"
#include "nibble/cuda/ptx/half.cuh"
#include "nibble/cuda/ptx/load.cuh"
#include "nibble/cuda/tile/nvfp4.cuh"
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
struct Permute {
  static constexpr const char* name = "permute";
  static constexpr Kind kind = Kind::bits;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    out[0] = ptx::permute<0x1404>(in[0], in[1]), out[1] = ptx::permute<0x7362>(in[0], in[1]);
    out[2] = ptx::permute<0xba98>(in[0], in[1]);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    const uint64_t both = in[0] | uint64_t(in[1]) << 32;
    const auto permuted = [&](uint32_t selector) {
      uint32_t d = 0;
      for (int i = 0; i < 4; ++i) {
        const uint32_t s = selector >> 4 * i & 15, byte = uint32_t(both >> 8 * (s & 7)) & 255;
        d |= (s & 8 ? (byte & 0x80 ? 255u : 0u) : byte) << 8 * i;
      }
      return d;
    };
    out[0] = permuted(0x1404), out[1] = permuted(0x7362), out[2] = permuted(0xba98);
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

// Pairs of what a word of eight codes stands for, `unit` times smaller.
inline void pairs_of(uint32_t word, bool neighbours, float unit, uint32_t* out) {
  for (int i = 0; i < 4; ++i) {
    const int first = neighbours ? 2 * i : i, second = neighbours ? 2 * i + 1 : i + 4;
    const auto value = [&](int n) {
      return nibble::to_float(nibble::e2m1{uint8_t(word >> 4 * n & 15)}) / unit;
    };
    out[i] = pack(value(first), value(second));
  }
}
template <class Decode, bool kNeighbours>
struct Codes {
  static constexpr const char* name = "codes";
  static constexpr Kind kind = Kind::bits;  // signs of zeros, too
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    uint32_t h[4];
    Decode::codes(in[0], h);
    for (int i = 0; i < 4; ++i) out[i] = h[i];
  }
  static void want(const uint32_t* in, uint32_t* out) {
    pairs_of(in[0], kNeighbours, Decode::kUnit, out);
  }
};
struct LaidOutCodes : Codes<tile::LaidOut<tile::Shifted>, true> {
  static constexpr const char* name = "laid out codes";
  static void want(const uint32_t* in, uint32_t* out) {
    pairs_of(nibble::from_shifted_codes(in[0]), true, 1, out);
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
  t.add<Permute>();
  t.add<Logic>();
  t.add<Loads>();
  t.add<Codes<tile::Shifted, false>>();
  t.add<Scales<tile::Shifted>>();
  t.add<LaidOutCodes>();
  t.add<WarpSum<1>>();
  t.add<WarpSum<4>>();
  t.add<WarpSum<32>>();
}

}  // namespace ptx_test
