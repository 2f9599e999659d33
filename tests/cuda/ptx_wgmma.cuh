// Products of a warpgroup: sm_90a.
#pragma once
#include "nibble/cuda/ptx/wgmma.cuh"
#include "ptx_async.cuh"

namespace ptx_test {

template <class E>
struct WgmmaOf;
template <>
struct WgmmaOf<Bf16> {
  using Sum = float;
  template <class... A>
  static __device__ void run(A&&... a) {
    ptx::wgmma_bf16(a...);
  }
};
template <>
struct WgmmaOf<E4m3> {
  using Sum = float;
  template <class... A>
  static __device__ void run(A&&... a) {
    ptx::wgmma_e4m3(a...);
  }
};
template <>
struct WgmmaOf<S8> {
  using Sum = int32_t;
  template <class... A>
  static __device__ void run(A&&... a) {
    ptx::wgmma_s8(a...);
  }
};

// 64 x n sums of the products of one span, the first one in place of what d held.
template <class E, int kN, nibble::cuda::Swizzle kSwizzle, bool kFromRegisters>
struct Wgmma {
  static constexpr const char* name = kFromRegisters ? "wgmma of registers" : "wgmma";
  using O = Operand<kSwizzle>;
  static constexpr int threads = 128, blocks = 1, cluster = 1;
  static constexpr int in_words = (64 + kN) * O::words, out_words = 64 * kN;
  static void fill(nibble::Random& random, uint32_t* in) { fill_operand<E>(random, in, in_words); }

  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ alignas(1024) uint32_t a[64 * O::words];
    __shared__ alignas(1024) uint32_t b[kN * O::words];
    O::store(a, in, 64), O::store(b, in + 64 * O::words, kN);
    ptx::fence_async_proxy();
    __syncthreads();
    typename WgmmaOf<E>::Sum d[kN / 2];
    for (auto& x : d) x = 12345;
    uint32_t fragment[O::steps][4];
    const int warp = int(threadIdx.x) / 32, g = int(threadIdx.x) % 32 / 4, t = int(threadIdx.x) % 4;
    for (int s = 0; s < O::steps; ++s)
      for (int r = 0; r < 4; ++r)
        fragment[s][r] = in[(16 * warp + g + 8 * (r % 2)) * O::words + 8 * s + t + 4 * (r / 2)];
    ptx::keep(d), ptx::begin_products();
#pragma unroll
    for (int s = 0; s < O::steps; ++s) {
      const uint64_t db = wgmma_descriptor(kSwizzle, ptx::shared_address(b) + 32 * s, kN);
      if constexpr (kFromRegisters)
        WgmmaOf<E>::run(d, fragment[s], db, s > 0);
      else
        WgmmaOf<E>::run(d, wgmma_descriptor(kSwizzle, ptx::shared_address(a) + 32 * s, 64), db,
                        s > 0);
    }
    ptx::commit_products(), ptx::wait_for_products<0>(), ptx::keep(d);
    for (int e = 0; e < kN / 2; ++e)
      out[(16 * warp + g + 8 * (e / 2 % 2)) * kN + 8 * (e / 4) + 2 * t + e % 2] = word_of(d[e]);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < 64; ++i)
      for (int j = 0; j < kN; ++j)
        out[i * kN + j] = sum_of_products<E>(in + i * O::words, in + (64 + j) * O::words, O::words);
  }
};

template <class E, nibble::cuda::Swizzle kSwizzle>
void add_wgmma_of(Tests& t) {
  t.add_together<Wgmma<E, 64, kSwizzle, false>>();
  t.add_together<Wgmma<E, 64, kSwizzle, true>>();
  t.add_together<Wgmma<E, 128, kSwizzle, false>>();
  t.add_together<Wgmma<E, 128, kSwizzle, true>>();
}
inline void add_wgmma(Tests& t) {
  using nibble::cuda::Swizzle;
  add_wgmma_of<Bf16, Swizzle::bytes128>(t);
  add_wgmma_of<E4m3, Swizzle::bytes64>(t);
  add_wgmma_of<S8, Swizzle::bytes32>(t);
  t.add_together<Wgmma<S8, 64, Swizzle::none, false>>();
}

}  // namespace ptx_test
