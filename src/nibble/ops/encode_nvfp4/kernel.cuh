// Compiled once per architecture, with its way to round. Every recipe is the sequence of
// numerics/nvfp4.h itself, so that its bytes are the CPU's.
#pragma once
#include "nibble/cuda/tile/encode_blocks.cuh"
#include "nibble/cuda/tile/nvfp4_scale.cuh"
#include "nibble/ops/encode_nvfp4/kernels.h"

namespace nibble::encode_nvfp4 {
namespace {

namespace tile = cuda::tile;

// ggml rounds in its own way, and searches for elements.
struct GgmlCodec {
  static constexpr int kBits = 4;
  uint8_t* codes;
  e4m3* scales;

  using State = e4m3;
  __device__ State begin(float amax, int64_t, int64_t) const {
    return nvfp4_scale(Nvfp4::ggml, {}, amax);
  }
  __device__ void store_scale(State s, int64_t block) const { scales[block] = s; }
  template <int N>
  __device__ uint64_t encode(State s, const float (&x)[N], int64_t) const {
    uint64_t all = 0;
#pragma unroll
    for (int k = 0; k < N; ++k)
      all |= uint64_t(nvfp4_element(Nvfp4::ggml, {}, s, x[k]).bits) << 4 * k;
    return all;
  }
};

// random_bits() without an index that is not known when it is compiled.
__device__ uint32_t random_of(const Stochastic& stochastic, int64_t element) {
  const uint64_t n = stochastic.first + uint64_t(element), block = n / 4;
  const auto words = philox4x32({uint32_t(block), uint32_t(block >> 32),
                                 uint32_t(stochastic.stream), uint32_t(stochastic.stream >> 32)},
                                {uint32_t(stochastic.seed), uint32_t(stochastic.seed >> 32)});
  const uint32_t low = n & 1 ? words[1] : words[0], high = n & 1 ? words[3] : words[2];
  return n & 2 ? high : low;
}

// `count` elements from number i on, one by one from memory: those of blocks whose factor is not
// usual, and those that are rounded stochastically.
template <Nvfp4 kMode>
__device__ __forceinline__ uint32_t encode_singly(const Args& a, int64_t i, int count,
                                                  float factor) {
  uint32_t codes = 0;
#pragma unroll 1
  for (int k = 0; k < count; ++k) {
    const float x = tile::device_float_at(a.x, i + k);
    uint32_t code = tile::nvfp4_code(kMode, factor, x);
    if (a.stochastic.on && x != 0)
      code = to_e2m1_stochastic(tile::nvfp4_scaled_by(kMode, factor, x),
                                random_of(a.stochastic, i + k))
                 .bits;
    codes |= code << 4 * k;
  }
  return codes;
}

// A warp takes 32 blocks at a time. A lane loads 16 bytes of 2 of them (f32: of 4), its neighbours
// the rest, and makes the scale of one: loads are of whole sectors, and no scale is made twice.
template <Nvfp4 kMode, class Round, DType kType>
__global__ void __launch_bounds__(256, 4)
    encode_nvfp4_blocks(Args a, int64_t blocks, bool aligned) {
  constexpr bool kWide = kType == DType::f32, kDivides = tile::divides(kMode);
  constexpr int kPer = tile::kPerLane<kWide>, kShare = kNvfp4Block / kPer;  // lanes of a block
  const int lane = int(threadIdx.x % 32), part = lane % kShare;
  auto shared = tile::nvfp4_shared(kMode, a.amax[0]);
  for (int64_t first = int64_t(blockIdx.x) * 256 + (threadIdx.x & ~31u); first < blocks;
       first += int64_t(gridDim.x) * 256) {
    const int here = int(min(blocks - first, int64_t(32)));
    Floats from = a.x;
    from.type = kType;
    from.data = static_cast<const uint8_t*>(a.x.data) + first * kNvfp4Block * (kWide ? 4 : 2);
    uint8_t* const to = reinterpret_cast<uint8_t*>(a.codes) + first * kNvfp4Block / 2;
    // Piece p is of this block; the lane makes the scale of the one with p = part. Lanes past the
    // end have the last block in hand.
    const auto block_of = [&](int p) { return p * (32 / kShare) + lane / kShare; };
    float x[kShare][kPer], most[kShare];
#pragma unroll
    for (int p = 0; p < kShare; ++p) {
      const int i = min(block_of(p), here - 1) * kNvfp4Block + part * kPer;
      tile::load_lane<kWide>(from, i, kPer, aligned, x[p]);
      most[p] = tile::amax_of_lane(x[p]);
    }
    const int own = block_of(part);
    if (a.per_row) {
      const int64_t block = first + min(own, here - 1), across = a.cols / kNvfp4Block;
      // 32 bits suffice for all but huge matrices, at a third of the instructions.
      const int64_t row = (blocks >> 32) == 0 ? uint32_t(block) / uint32_t(across) : block / across;
      shared = tile::nvfp4_shared(kMode, a.amax[row]);
    }
    const float amax = tile::greatest_of_own(most, lane);
    const auto scale = tile::nvfp4_scale_of<Round>(kMode, shared, amax);
    if (own < here) a.scales[first + own] = {uint8_t(scale.code)};
    const float inverse = kDivides ? 1 / scale.factor : 1;
    // A factor that is not to be used as others are goes with a sign.
    const bool usual = !a.stochastic.on && scale.template is_usual<Round>(kMode, inverse, amax);
    const float signed_factor = usual ? scale.factor : -scale.factor;
    float factor[kShare], inverses[kShare];
    uint32_t singly = 0;  // a bit for each piece
#pragma unroll
    for (int p = 0; p < kShare; ++p) {
      factor[p] = __shfl_sync(~0u, signed_factor, lane - part + p);
      inverses[p] = kDivides ? __shfl_sync(~0u, inverse, lane - part + p) : 1;
      if (!(factor[p] > 0)) singly |= 1u << p;
    }
    // Eight elements at a time: a piece, or two.
#pragma unroll
    for (int e = 0; e < kShare * kPer; e += 8) {
      float y[8];
#pragma unroll
      for (int k = 0; k < 8; ++k) {
        const int p = (e + k) / kPer;
        const float v = x[p][k % kPer];
        y[k] = kDivides ? tile::nvfp4_quotient<Round>(factor[p], inverses[p], v)
                        : tile::nvfp4_product<Round>(kMode, factor[p], v);
      }
      const uint32_t codes = Round::e2m1s(y);
#pragma unroll
      for (int p = e / kPer; p < (e + 8) / kPer; ++p)
        if (block_of(p) < here)
          tile::store_lane<kPer / 2>(to + block_of(p) * (kNvfp4Block / 2) + part * (kPer / 2),
                                     codes >> 4 * (p * kPer - e), kPer / 2, aligned);
    }
#pragma unroll 1
    for (int p = 0; singly != 0; ++p, singly >>= 1) {
      if ((singly & 1) == 0 || block_of(p) >= here) continue;
      float f = factor[0];
#pragma unroll
      for (int q = 1; q < kShare; ++q) f = p == q ? factor[q] : f;
      const int64_t i = (first + block_of(p)) * kNvfp4Block + part * kPer;
      tile::store_lane<kPer / 2>(to + block_of(p) * (kNvfp4Block / 2) + part * (kPer / 2),
                                 encode_singly<kMode>(a, i, kPer, -f), kPer / 2, aligned);
    }
  }
}

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
  a.scales[block] = best.scale;
  tile::store_lane<8>(a.codes + block * kNvfp4Block / 2, best.codes, 8, aligned);
}

template <Nvfp4 kMode, class Round>
void run_mode(const Args& a, const Exec& e) {
  const int64_t blocks = a.rows * a.cols / kNvfp4Block;
  // What a multiprocessor holds twice over: warps go on to more blocks from there.
  const int64_t most = 8 * cuda::multiprocessors(), grid = (blocks + 255) / 256;
  const cuda::Launch l{.grid = unsigned(grid < most ? grid : most), .block = 256};
  const bool aligned = tile::lanes_are_aligned(a.x, a.cols, a.codes);
  if (a.x.type == DType::f32)
    cuda::launch(encode_nvfp4_blocks<kMode, Round, DType::f32>, l, e, a, blocks, aligned);
  else if (a.x.type == DType::bf16)
    cuda::launch(encode_nvfp4_blocks<kMode, Round, DType::bf16>, l, e, a, blocks, aligned);
  else
    cuda::launch(encode_nvfp4_blocks<kMode, Round, DType::fp16>, l, e, a, blocks, aligned);
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
      return tile::launch_encode_blocks<kNvfp4Block>(
          GgmlCodec{reinterpret_cast<uint8_t*>(a.codes), a.scales}, a.x, a.rows, a.cols, e);
  }
}

}  // namespace
}  // namespace nibble::encode_nvfp4
