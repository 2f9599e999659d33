// Compiled once per architecture, with its way to round.
#pragma once
#include "nibble/cuda/tile/encode_blocks.cuh"
#include "nibble/cuda/tile/round_codes.cuh"
#include "nibble/ops/encode_mx/kernels.h"

namespace nibble::encode_mx {
namespace {

namespace tile = cuda::tile;

template <class Element, class Round>
struct Codec {
  static constexpr int kBits = MxElement<Element>::bits;
  uint8_t* codes;
  ue8m0* scales;
  MxScale rule;

  struct State {
    ue8m0 scale;
    float factor;  // 2^(127 - scale)
  };
  // mx_element multiplies in double. In float the product is exact too, but where it is below
  // 2^-126, far below half of any format's least element, or infinite, which saturates as it would.
  __device__ State begin(float block_amax, int64_t, int64_t) const {
    const ue8m0 scale = mx_scale<Element>(rule, block_amax);
    const uint32_t bits = scale.bits == 254 ? 0x00400000u : uint32_t(254 - scale.bits) << 23;
    return {scale, bit_cast<float>(bits)};
  }
  __device__ void store_scale(const State& s, int64_t block) const { scales[block] = s.scale; }

  template <int N>
  __device__ uint64_t encode(const State& s, const float (&x)[N], int64_t) const {
    if (s.scale.bits == 0xff) return 0;
    if constexpr (kBits == 4 && N == 8) {
      float y[8];
#pragma unroll
      for (int k = 0; k < 8; ++k) y[k] = Round::saturated(x[k] * s.factor * Round::kLift);
      return Round::e2m1s(y);
    }
    uint64_t all = 0;
#pragma unroll
    for (int k = 0; k < N; k += 2)
      all |= uint64_t(Round::pair(Element{}, x[k] * s.factor, x[k + 1] * s.factor)) << kBits * k;
    return all;
  }
};

template <class Element, class Round>
void run_format(const Args& a, const Exec& e) {
  tile::launch_encode_blocks<kMxBlock>(Codec<Element, Round>{a.codes, a.scales, a.rule}, a.x,
                                       a.rows, a.cols, e);
}
template <class Round>
void run(const Args& a, const Exec& e) {
  if (a.format == MxFormat::e2m1) return run_format<e2m1, Round>(a, e);
  if (a.format == MxFormat::e4m3) return run_format<e4m3, Round>(a, e);
  run_format<e5m2, Round>(a, e);
}

}  // namespace
}  // namespace nibble::encode_mx
