// PTX: ld.global.v4.u32, st.global.v4.u32
// Three launches: the noise and its sums of squares, a block for a piece; the moving average, from
// the pieces in order; the update. The second is what makes it three: it needs every piece.
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/tile/four_bytes.cuh"
#include "nibble/numerics/ternary.h"
#include "nibble/numerics/ternary_hash.h"
#include "nibble/ops/shadow_update/kernels.h"

namespace nibble::shadow_update {
namespace {

namespace tile = cuda::tile;

constexpr int kThreads = 256, kOfThread = int(kPiece) / kThreads;

// Thread t has elements t, t + 256, ... of the piece. Sums of squares are those of
// numerics/reduce.h: lane j of sixteen adds elements j, j + 16, ... in order, then the tree of
// distances 8, 4, 2, 1.
__global__ void __launch_bounds__(kThreads, 4) shadow_update_noise(Args a) {
  __shared__ float piece[kPiece];
  const int64_t first = int64_t(blockIdx.x) * kPiece;
  const int count = int(min(kPiece, a.n - first));
  float z[kOfThread] = {};
  for (int p = 0; p < a.pairs; ++p) {
    const float weight = a.weight[p];
    if (weight == 0) continue;
    const uint64_t seed = a.seed[p];
#pragma unroll
    for (int k = 0; k < kOfThread; ++k) {
      const uint64_t i = uint64_t(first) + threadIdx.x + uint64_t(k * kThreads);
      z[k] = fmaf(weight, float(ternary_noise(seed, i, a.terms)), z[k]);
    }
  }
#pragma unroll
  for (int k = 0; k < kOfThread; ++k)
    if (const int i = int(threadIdx.x) + k * kThreads; i < count) a.z[first + i] = piece[i] = z[k];
  __syncthreads();
  if (threadIdx.x >= 32) return;  // a whole warp, for the shuffles; its upper half adds nothing
  float lane = 0;
  if (threadIdx.x < 16)
    for (int i = int(threadIdx.x); i < count; i += 16) lane = fmaf(piece[i], piece[i], lane);
#pragma unroll
  for (int half = 8; half > 0; half /= 2) lane += __shfl_down_sync(~0u, lane, half);
  if (threadIdx.x == 0) a.squares[blockIdx.x] = lane;
}

// inverse_rms(), whose result stays where the first piece's sum was.
__global__ void __launch_bounds__(32, 16) shadow_update_average(Args a) {
  double total = 0;
  for (int64_t p = 0; p < pieces(a.n); ++p) total += a.squares[p];
  const float ms = float(total / double(a.n));
  const float before = *a.ema == 0 ? ms : *a.ema;
  const float now = a.ema_beta * before + (1 - a.ema_beta) * ms;
  *a.ema = now;
  a.squares[0] = a.rms == Rms::inside ? 1 / sqrtf(now + a.eps) : 1 / (sqrtf(now) + a.eps);
}

// ternary_x4 of four bytes -1, 0, 1. The product's upper byte is c0 + 4 c1 + 16 c2 + 64 c3; what is
// below it is less than 2^24, so nothing carries.
__device__ __forceinline__ uint8_t two_bit_codes(uint32_t w) {
  const uint32_t codes = ((w & 0x03030303) + 0x01010101) & 0x03030303;
  return uint8_t(codes * (1u << 24 | 1 << 18 | 1 << 12 | 1 << 6) >> 24);
}

// Four elements a thread, a byte of two-bit codes: a warp's 32 of them are one sector.
__global__ void __launch_bounds__(256, 8) shadow_update_apply(Args a, bool aligned) {
  const int64_t i = (int64_t(blockIdx.x) * 256 + threadIdx.x) * 4;
  if (i >= a.n) return;
  const int count = int(min(a.n - i, int64_t(4)));
  const float inverse = a.rms == Rms::off ? 1.0f : a.squares[0];
  uint32_t z[4] = {}, shadow[4] = {}, w = 0;
  tile::load_four_words(a.z + i, count, aligned && count == 4, z);
  tile::load_four_words(a.shadow + i, count, aligned && count == 4, shadow);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const float g = inverse * __uint_as_float(z[k]), old = __uint_as_float(shadow[k]);
    const float now = fabsf(g) < a.threshold ? old : fmaf(a.lr, g, old);
    shadow[k] = __float_as_uint(now);
    w |= uint32_t(uint8_t(to_ternary(now))) << 8 * k;  // 0 beyond n
  }
  if (aligned && count == 4) {
    *reinterpret_cast<uint4*>(a.shadow + i) =
        make_uint4(shadow[0], shadow[1], shadow[2], shadow[3]);
  } else {
#pragma unroll
    for (int k = 0; k < 4; ++k)
      if (k < count) a.shadow[i + k] = __uint_as_float(shadow[k]);
  }
  if (a.w) tile::store_four(a.w + i, w, count, aligned && count == 4);
  if (a.packed) a.packed[i / 4] = two_bit_codes(w);
}

}  // namespace

void sm80(const Args& a, const Exec& e) {
  cuda::launch(shadow_update_noise, {.grid = unsigned(pieces(a.n)), .block = kThreads}, e, a);
  if (a.rms != Rms::off) cuda::launch(shadow_update_average, {}, e, a);
  const bool aligned =
      tile::is_multiple(a.z, 16) && tile::is_multiple(a.shadow, 16) && tile::is_multiple(a.w, 4);
  cuda::launch(shadow_update_apply, {.grid = unsigned((a.n + 1023) / 1024), .block = 256}, e, a,
               aligned);
}

}  // namespace nibble::shadow_update
