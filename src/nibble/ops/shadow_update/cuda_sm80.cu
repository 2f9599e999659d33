// Three launches: the noise and its sums of squares, a block for a piece; the moving average, from
// the pieces in order; the update. The second is what makes it three: it needs every piece.
#include "nibble/cuda/launch.cuh"
#include "nibble/numerics/ternary.h"
#include "nibble/numerics/ternary_hash.h"
#include "nibble/ops/shadow_update/kernels.h"

namespace nibble::shadow_update {
namespace {

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

__global__ void __launch_bounds__(256, 8) shadow_update_apply(Args a) {
  const int64_t i = int64_t(blockIdx.x) * 256 + threadIdx.x;
  if (i >= a.n) return;
  const float inverse = a.rms == Rms::off ? 1.0f : a.squares[0];
  const float g = inverse * a.z[i];
  float shadow = a.shadow[i];
  if (!(fabsf(g) < a.threshold)) a.shadow[i] = shadow = fmaf(a.lr, g, shadow);
  if (a.ternary) a.w[i] = int8_t(to_ternary(shadow));
}

}  // namespace

void sm80(const Args& a, const Exec& e) {
  cuda::launch(shadow_update_noise, {.grid = unsigned(pieces(a.n)), .block = kThreads}, e, a);
  if (a.rms != Rms::off) cuda::launch(shadow_update_average, {}, e, a);
  cuda::launch(shadow_update_apply, {.grid = unsigned((a.n + 255) / 256), .block = 256}, e, a);
}

}  // namespace nibble::shadow_update
