// Plain C++, the order of sums that the contract promises: what the CUDA variant is held to bit by
// bit, and what runs where there is no GPU.
#include "nibble/ops/gemv_bf16/kernels.h"

namespace nibble::gemv_bf16 {
namespace {

float dot(const bf16* w, const bf16* x, int k) {
  float lane[kLanes] = {};
  for (int piece = 0; piece < k / kPiece; ++piece)
    for (int i = piece * kPiece; i < (piece + 1) * kPiece; ++i) {
      float& to = lane[piece % kLanes];
      to = __builtin_fmaf(to_float(w[i]), to_float(x[i]), to);
    }
  for (int d = kLanes / 2; d > 0; d /= 2)
    for (int i = 0; i < d; ++i) lane[i] += lane[i + d];
  return lane[0] != lane[0] ? bit_cast<float>(0x7fc00000u) : lane[0];
}

}  // namespace

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, int64_t(a.batch) * a.n, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) a.y[i] = dot(a.w + i * a.k, a.x + i / a.n * a.k, a.k);
  });
}

}  // namespace nibble::gemv_bf16
