// Compiled once per architecture, with its way to round. Every recipe is the sequence of
// numerics/nvfp4.h itself, so that its bytes are the CPU's.
#pragma once
#include "nibble/cuda/tile/encode_blocks.cuh"
#include "nibble/cuda/tile/round_codes.cuh"
#include "nibble/ops/encode_nvfp4/kernels.h"

namespace nibble::encode_nvfp4 {
namespace {

namespace tile = cuda::tile;

// A scale that is not a number. One that follows from a NaN has no sign; to one that arithmetic
// makes of numbers, because the tensor's amax is infinite, x86 gives a sign and GPUs none. The
// bytes are x86's.
__device__ e4m3 with_nan_of_x86(e4m3 scale, float tensor_amax, float block_amax) {
  if ((scale.bits & 0x7f) != 0x7f) return scale;
  return {uint8_t(is_nan(tensor_amax) || is_nan(block_amax) ? 0x7f : 0xff)};
}

template <Nvfp4 kMode, class Round>
struct Codec {
  static constexpr int kBits = 4;
  uint8_t* codes;
  e4m3* scales;
  const float* amax;
  bool per_row;
  Stochastic stochastic;

  struct State {
    Nvfp4Tensor tensor;
    e4m3 scale;
  };
  __device__ State begin(float block_amax, int64_t, int64_t row) const {
    const float tensor_amax = amax[per_row ? row : 0];
    const Nvfp4Tensor t = nvfp4_tensor(kMode, tensor_amax);
    return {t, with_nan_of_x86(nvfp4_scale(kMode, t, block_amax), tensor_amax, block_amax)};
  }
  __device__ void store_scale(const State& s, int64_t block) const { scales[block] = s.scale; }

  template <int N>
  __device__ uint64_t encode(const State& s, const float (&x)[N], int64_t number) const {
    uint64_t codes_of_all = 0;
#pragma unroll
    for (int k = 0; k < N; k += 2)
      codes_of_all |= uint64_t(pair(s, x[k], x[k + 1], number + k)) << 4 * k;
    return codes_of_all;
  }
  // random_bits() without an index that is not known when it is compiled.
  __device__ uint32_t random_of(int64_t element) const {
    const uint64_t n = stochastic.first + uint64_t(element), block = n / 4;
    const auto words = philox4x32({uint32_t(block), uint32_t(block >> 32),
                                   uint32_t(stochastic.stream), uint32_t(stochastic.stream >> 32)},
                                  {uint32_t(stochastic.seed), uint32_t(stochastic.seed >> 32)});
    const uint32_t low = n & 1 ? words[1] : words[0], high = n & 1 ? words[3] : words[2];
    return n & 2 ? high : low;
  }
  __device__ uint32_t pair(const State& s, float low, float high, int64_t number) const {
    if constexpr (kMode == Nvfp4::ggml) {
      return nvfp4_element(kMode, s.tensor, s.scale, low).bits |
             uint32_t(nvfp4_element(kMode, s.tensor, s.scale, high).bits) << 4;
    } else {
      const float l = nvfp4_scaled(kMode, s.tensor, s.scale, low);
      const float h = nvfp4_scaled(kMode, s.tensor, s.scale, high);
      uint32_t two;
      if (stochastic.on)
        two = to_e2m1_stochastic(l, random_of(number)).bits |
              uint32_t(to_e2m1_stochastic(h, random_of(number + 1)).bits) << 4;
      else
        two = Round::pair(e2m1{}, l, h);
      // Zeros, of either sign, have the mode's own code.
      if (low == 0) two = (two & 0xf0u) | nvfp4_zero(kMode, low).bits;
      if (high == 0) two = (two & 0x0fu) | uint32_t(nvfp4_zero(kMode, high).bits) << 4;
      return two;
    }
  }
};

// numerics/four_over_six.h's candidate, operation by operation, with its loops unrolled so that
// nothing is indexed: in registers. --fmad=false keeps the sum of squares as it is there.
struct Candidate {
  e4m3 scale;
  uint64_t codes;
  float error;
};
__device__ Candidate candidate(const FourOverSix& f, const float (&x)[kNvfp4Block], float amax,
                               float stretch) {
  using namespace nvfp4_detail;
  const bool authors = f.sequence == FourOverSixSequence::authors;
  const float s = four_over_six_encode(f);
  Candidate c{
      .scale = to_e4m3_saturating(clamped(amax / 6 * s * stretch, 0)), .codes = 0, .error = 0};
  const float v = to_float(c.scale);
  const float factor = authors ? 1 / (1 / s * v) : least(1 / (v * (1 / s)), kMaxFloat);
  float distance[kNvfp4Block];
#pragma unroll
  for (int i = 0; i < kNvfp4Block; ++i) {
    const float y = x[i] * factor;
    const bool zero = x[i] == 0 || (authors && v == 0);
    uint32_t code = is_nan(y) ? 7u : round_magnitude<1, 1>(magnitude_bits(y));
    const uint32_t most = authors ? 8u : 7u;
    code = zero ? 0 : code < most ? code : most;
    const uint32_t sign = zero || is_nan(y) ? 0 : float_bits(y) >> 28 & 8u;
    c.codes |= uint64_t(code | sign) << 4 * i;
    const float magnitude = code == 8 ? 8.0f : to_float(e2m1{uint8_t(code)});
    const float value = sign != 0 ? -magnitude : magnitude;
    const float d = value * v * f.amax / (6 * f.greatest_scale) - x[i];
    distance[i] = f.error == FourOverSixError::mse ? d * d : d < 0 ? -d : d;
  }
  if (f.error == FourOverSixError::abs_max) {
    c.error = tile::amax_from(tile::greatest_magnitude(distance));
    return c;
  }
#pragma unroll
  for (int i = 0; i < kNvfp4Block / 2; ++i)
    if (authors) distance[i] = distance[i] + distance[i + kNvfp4Block / 2];
#pragma unroll
  for (int i = 0; i < kNvfp4Block; ++i)
    if (i < kNvfp4Block / 2 || !authors) c.error += distance[i];
  return c;
}

// A thread has a whole block, because errors are summed in order.
__global__ void __launch_bounds__(128, 6)
    encode_nvfp4_search(Args a, int64_t blocks, bool aligned) {
  const int64_t block = int64_t(blockIdx.x) * 128 + threadIdx.x;
  if (block >= blocks) return;
  float x[kNvfp4Block];
#pragma unroll
  for (int k = 0; k < kNvfp4Block; k += 8) {
    const int64_t number = block * kNvfp4Block + k;
    if (a.x.type == DType::f32) {
      tile::load_lane<true>(a.x, number, 4, aligned, reinterpret_cast<float(&)[4]>(x[k]));
      tile::load_lane<true>(a.x, number + 4, 4, aligned, reinterpret_cast<float(&)[4]>(x[k + 4]));
    } else {
      tile::load_lane<false>(a.x, number, 8, aligned, reinterpret_cast<float(&)[8]>(x[k]));
    }
  }
  const int64_t row = a.per_row ? block / (a.cols / kNvfp4Block) : 0;
  const FourOverSix f = four_over_six_of(a.recipe, a.amax[row]);
  const float amax = tile::amax_from(tile::greatest_magnitude(x));
  Candidate best = candidate(f, x, amax, 1);
  if (f.error != FourOverSixError::map6) {
    const Candidate four = candidate(f, x, amax, 1.5f);
    if (four.error < best.error) best = four;
  }
  a.scales[block] = with_nan_of_x86(best.scale, f.amax, amax);
  tile::store_lane<8>(a.codes + block * kNvfp4Block / 2, best.codes, 8, aligned);
}

template <Nvfp4 kMode, class Round>
void run_mode(const Args& a, const Exec& e) {
  const Codec<kMode, Round> codec{reinterpret_cast<uint8_t*>(a.codes), a.scales, a.amax, a.per_row,
                                  a.stochastic};
  tile::launch_encode_blocks<kNvfp4Block>(codec, a.x, a.rows, a.cols, e);
}

template <class Round>
void run(const Args& a, const Exec& e) {
  if (a.recipe.four_over_six) {
    const int64_t blocks = a.rows * a.cols / kNvfp4Block;
    cuda::launch(encode_nvfp4_search, {.grid = unsigned((blocks + 127) / 128), .block = 128}, e, a,
                 blocks, tile::lanes_are_aligned(a.x, a.cols, a.codes));
    return;
  }
  switch (a.recipe.mode) {
    case Nvfp4::te:
      return run_mode<Nvfp4::te, Round>(a, e);
    case Nvfp4::vllm:
      return run_mode<Nvfp4::vllm, Round>(a, e);
    case Nvfp4::modelopt:
      return run_mode<Nvfp4::modelopt, Round>(a, e);
    case Nvfp4::torchao:
      return run_mode<Nvfp4::torchao, Round>(a, e);
    case Nvfp4::torchao_single:
      return run_mode<Nvfp4::torchao_single, Round>(a, e);
    case Nvfp4::ct_f32:
      return run_mode<Nvfp4::ct_f32, Round>(a, e);
    case Nvfp4::ct_bf16:
      return run_mode<Nvfp4::ct_bf16, Round>(a, e);
    case Nvfp4::ggml:
      return run_mode<Nvfp4::ggml, Round>(a, e);
  }
}

}  // namespace
}  // namespace nibble::encode_nvfp4
