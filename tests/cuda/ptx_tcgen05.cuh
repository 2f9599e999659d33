// Tensor memory and its products: sm_100a.
#pragma once
#include "nibble/cuda/ptx/reduce.cuh"
#include "nibble/cuda/ptx/tcgen05.cuh"
#include "nibble/numerics/scale_layout.h"
#include "ptx_async.cuh"

namespace ptx_test {

struct WarpMaxMagnitude {
  static constexpr const char* name = "warp_max_magnitude";
  static constexpr Kind kind = Kind::floats;
  // The value and the lane are known to every lane: the host need not see the others'.
  static __host__ __device__ float of(uint32_t first, int lane) {
    const int v = int(first >> 5) % 1000 + (lane * 7 % 32);
    return lane % 2 ? -float(v) : float(v);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const int lane = int(threadIdx.x % 32);
    const uint32_t first = in[0] & 0xffe0;
    out[0] = __float_as_uint(ptx::warp_max_magnitude(of(first, lane)));
    out[1] = __float_as_uint(ptx::warp_max_magnitude(lane == 5 ? __int_as_float(-1) : 1.0f));
  }
  static void want(const uint32_t* in, uint32_t* out) {
    out[0] = bit_cast<uint32_t>(float(int((in[0] & 0xffe0) >> 5) % 1000 + 31));
    out[1] = 0x7fffffff;
  }
};

template <class E>
struct Tcgen05Of;
template <>
struct Tcgen05Of<Bf16> {
  static constexpr const char* name = "tcgen05_bf16";
  static constexpr auto kind = nibble::cuda::Tcgen05Kind::bf16;
  template <class... A>
  static __device__ void run(A... a) {
    ptx::tcgen05_bf16(a...);
  }
};
template <>
struct Tcgen05Of<E4m3> {
  static constexpr const char* name = "tcgen05_e4m3";
  static constexpr auto kind = nibble::cuda::Tcgen05Kind::e4m3;
  template <class... A>
  static __device__ void run(A... a) {
    ptx::tcgen05_e4m3(a...);
  }
};
template <>
struct Tcgen05Of<S8> {
  static constexpr const char* name = "tcgen05_s8";
  static constexpr auto kind = nibble::cuda::Tcgen05Kind::s8;
  template <class... A>
  static __device__ void run(A... a) {
    ptx::tcgen05_s8(a...);
  }
};

// What the tests of products share: tensor memory, an mbarrier, and sums that leave by rows.
struct TensorMemory {
  static constexpr uint32_t columns = 128;
  uint32_t at;
  uint64_t bar;

  __device__ void begin() {
    if (threadIdx.x < 32) ptx::allocate_columns(&at, columns), ptx::end_allocation();
    if (threadIdx.x == 0) ptx::init_mbarrier(&bar, 1), ptx::fence_mbarriers();
    ptx::fence_async_proxy(), ptx::before_barrier();
    __syncthreads();
    ptx::after_barrier();
  }
  // Row t of n sums of thread t.
  template <int kN>
  __device__ void end(uint32_t* out) {
    ptx::wait(&bar, 0);
    ptx::after_barrier();
    const uint32_t mine = at + (threadIdx.x / 32 << 21);
    for (int n = 0; n < kN; n += 32) {
      uint32_t v[32];
      ptx::load_columns(v, mine + n), ptx::wait_for_loads();
      for (int i = 0; i < 32; ++i) out[threadIdx.x * kN + n + i] = v[i];
    }
    ptx::before_barrier();
    __syncthreads();
    ptx::after_barrier();
    if (threadIdx.x < 32) ptx::release_columns(at, columns);
  }
};

template <class E, nibble::cuda::Swizzle kSwizzle>
struct Tcgen05 {
  static constexpr const char* name = Tcgen05Of<E>::name;
  using O = Operand<kSwizzle>;
  static constexpr int n = 64, threads = 128, blocks = 1, cluster = 1;
  static constexpr int in_words = (128 + n) * O::words, out_words = 128 * n;
  static void fill(nibble::Random& random, uint32_t* in) { fill_operand<E>(random, in, in_words); }

  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ alignas(1024) uint32_t a[128 * O::words];
    __shared__ alignas(1024) uint32_t b[n * O::words];
    __shared__ TensorMemory tensor;
    O::store(a, in, 128), O::store(b, in + 128 * O::words, n);
    tensor.begin();
    if (threadIdx.x == 0) {
      constexpr uint32_t instruction = tcgen05_instruction(Tcgen05Of<E>::kind, 128, n);
      for (int s = 0; s < O::steps; ++s)
        Tcgen05Of<E>::run(
            tensor.at, tcgen05_descriptor(kSwizzle, ptx::shared_address(a) + 32 * s, 128),
            tcgen05_descriptor(kSwizzle, ptx::shared_address(b) + 32 * s, n), instruction, s > 0);
      ptx::arrive_with_products(&tensor.bar);
    }
    tensor.end<n>(out);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < 128; ++i)
      for (int j = 0; j < n; ++j)
        out[i * n + j] = sum_of_products<E>(in + i * O::words, in + (128 + j) * O::words, O::words);
  }
};

// 64 columns of K. The host's rows of scales are brought into an atom of numerics/scale_layout.h,
// from there into tensor memory.
template <class Scales>
struct ScaledTcgen05 {
  static constexpr const char* name = Scales::per_row == 4 ? "tcgen05_nvfp4" : "tcgen05_mxfp4";
  static constexpr auto swizzle = nibble::cuda::Swizzle::bytes32;
  static constexpr int n = 64, rows = 128 + n, threads = 128, blocks = 1, cluster = 1;
  static constexpr int in_words = rows * 9, out_words = 128 * n;
  static void fill(nibble::Random& random, uint32_t* in) {
    fill_operand<E2m1>(random, in, rows * 8), fill_scales<Scales>(random, in + rows * 8, rows);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ alignas(1024) uint32_t a[128 * 8];
    __shared__ alignas(1024) uint32_t b[n * 8];
    __shared__ alignas(128) uint32_t atoms[2][128];
    __shared__ TensorMemory tensor;
    Operand<swizzle>::store(a, in, 128), Operand<swizzle>::store(b, in + 128 * 8, n);
    const int i = int(threadIdx.x);
    atoms[0][nibble::scale_offset_128x4(i, 0, 4) / 4] = in[rows * 8 + i];
    atoms[1][nibble::scale_offset_128x4(i, 0, 4) / 4] = i < n ? in[rows * 8 + 128 + i] : 0;
    tensor.begin();
    if (i == 0) {
      // Sums in columns 0 to 63, scales of a and of b behind them.
      const uint32_t scales[] = {tensor.at + 64, tensor.at + 68};
      for (int s = 0; s < 2; ++s)
        ptx::copy_scales(scales[s], tcgen05_descriptor(nibble::cuda::Swizzle::none,
                                                       ptx::shared_address(atoms[s]), 32));
      const uint64_t da = tcgen05_descriptor(swizzle, ptx::shared_address(a), 128);
      const uint64_t db = tcgen05_descriptor(swizzle, ptx::shared_address(b), n);
      constexpr bool ue8m0 = Scales::per_row == 2;
      constexpr uint32_t instruction = nibble::cuda::tcgen05_instruction_scaled(ue8m0, n);
      if constexpr (ue8m0)
        ptx::tcgen05_mxfp4(tensor.at, da, db, instruction, scales[0], scales[1], false);
      else
        ptx::tcgen05_nvfp4(tensor.at, da, db, instruction, scales[0], scales[1], false);
      ptx::arrive_with_products(&tensor.bar);
    }
    tensor.end<n>(out);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    const uint32_t* scales = in + rows * 8;
    for (int i = 0; i < 128; ++i)
      for (int j = 0; j < n; ++j)
        out[i * n + j] = bit_cast<uint32_t>(
            float(scaled_sum<Scales>(in + i * 8, in + (128 + j) * 8, scales[i], scales[128 + j])));
  }
};

// Registers into tensor memory and back, another eight columns of it.
struct Columns {
  static constexpr const char* name = "store, load columns";
  static constexpr int threads = 128, blocks = 1, cluster = 1, in_words = 2048, out_words = 2048;
  static void fill(nibble::Random& random, uint32_t* in) {
    RandomWords::fill_words<in_words>(random, in);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ TensorMemory tensor;
    tensor.begin();
    const uint32_t mine = tensor.at + (threadIdx.x / 32 << 21);
    for (int half = 0; half < 2; ++half) {
      uint32_t v[8];
      for (int i = 0; i < 8; ++i) v[i] = in[threadIdx.x * 16 + half * 8 + i];
      ptx::store_columns(mine + 8 * half, v);
    }
    ptx::wait_for_stores();
    for (int half = 0; half < 2; ++half) {
      uint32_t v[8];
      ptx::load_columns(v, mine + 8 * (1 - half)), ptx::wait_for_loads();
      for (int i = 0; i < 8; ++i) out[threadIdx.x * 16 + half * 8 + i] = v[i];
    }
    __syncthreads();
    if (threadIdx.x < 32) ptx::release_columns(tensor.at, TensorMemory::columns);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < 2048; ++i) out[i] = in[i ^ 8];
  }
};

inline void add_tcgen05(Tests& t) {
  using nibble::cuda::Swizzle;
  t.add<WarpMaxMagnitude>();
  t.add_together<Columns>();
  t.add_together<Tcgen05<Bf16, Swizzle::bytes128>>();
  t.add_together<Tcgen05<E4m3, Swizzle::bytes64>>();
  t.add_together<Tcgen05<S8, Swizzle::none>>();
  t.add_together<ScaledTcgen05<E4m3Scales>>();
  t.add_together<ScaledTcgen05<Ue8m0Scales>>();
}

}  // namespace ptx_test
