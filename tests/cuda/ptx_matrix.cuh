// Fragments, products of a warp and copies in the background: sm_80 and later.
#pragma once
#include "nibble/cuda/ptx/barrier.cuh"
#include "nibble/cuda/ptx/copy.cuh"
#include "nibble/cuda/ptx/matrix.cuh"
#include "nibble/cuda/ptx/mma.cuh"
#include "nibble/cuda/ptx/policy.cuh"
#include "ptx_operand.cuh"

namespace ptx_test {

namespace ptx = nibble::cuda::ptx;

struct Warp {
  static constexpr int threads = 32, blocks = 1, cluster = 1;
};
struct RandomWords {
  template <int kWords>
  static void fill_words(nibble::Random& random, uint32_t* in) {
    for (int i = 0; i < kWords; ++i) in[i] = random.next32();
  }
};

// Word w of matrix i's row r, of a place that holds 4 matrices of 8 rows of 4 words.
__host__ __device__ constexpr int matrix_word(int i, int r, int w) { return (i * 8 + r) * 4 + w; }
inline uint32_t half_of(const uint32_t* in, int i, int r, int column) {
  return in[matrix_word(i, r, column / 2)] >> 16 * (column % 2) & 0xffff;
}
// What lane l has of matrix i, plain and transposed.
inline uint32_t fragment(const uint32_t* in, int i, int l, bool transposed) {
  if (!transposed) return in[matrix_word(i, l / 4, l % 4)];
  return half_of(in, i, l % 4 * 2, l / 4) | half_of(in, i, l % 4 * 2 + 1, l / 4) << 16;
}

template <int N, bool kTransposed>
struct LoadMatrices : Warp {
  static constexpr const char* name = kTransposed ? "load_matrices_transposed" : "load_matrices";
  static constexpr int in_words = 128, out_words = 32 * N;
  static void fill(nibble::Random& random, uint32_t* in) {
    RandomWords::fill_words<in_words>(random, in);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ alignas(16) uint32_t rows[in_words];
    const int lane = int(threadIdx.x);
    for (int w = 0; w < 4; ++w) rows[lane * 4 + w] = in[lane * 4 + w];
    __syncwarp();
    uint32_t m[N];
    const uint32_t* row = rows + matrix_word(lane / 8 % N, lane % 8, 0);
    if constexpr (kTransposed)
      ptx::load_matrices_transposed(m, row);
    else
      ptx::load_matrices(m, row);
    for (int i = 0; i < N; ++i) out[i * 32 + lane] = m[i];
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < N; ++i)
      for (int l = 0; l < 32; ++l) out[i * 32 + l] = fragment(in, i, l, kTransposed);
  }
};

// A warp's product of rows of 32 bytes; scales, if any, follow the operands.
template <class E>
struct MmaOf;
template <>
struct MmaOf<F16> {
  static constexpr const char* name = "mma_f16";
  using Sum = float;
  static __device__ void run(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    ptx::mma_f16(d, a, b);
  }
};
template <>
struct MmaOf<Bf16> {
  static constexpr const char* name = "mma_bf16";
  using Sum = float;
  static __device__ void run(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    ptx::mma_bf16(d, a, b);
  }
};
template <>
struct MmaOf<S8> {
  static constexpr const char* name = "mma_s8";
  using Sum = int32_t;
  static __device__ void run(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    ptx::mma_s8(d, a, b);
  }
};
template <>
struct MmaOf<E4m3> {
  static constexpr const char* name = "mma_e4m3";
  using Sum = float;
  static __device__ void run(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    ptx::mma_e4m3(d, a, b);
  }
};

struct Fragments {
  uint32_t a[4], b[2];
  __device__ explicit Fragments(const uint32_t* in) {
    const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
    for (int r = 0; r < 4; ++r) a[r] = in[(g + 8 * (r % 2)) * 8 + t + 4 * (r / 2)];
    for (int r = 0; r < 2; ++r) b[r] = in[(16 + g) * 8 + t + 4 * r];
  }
};
template <class T>
__device__ void store_sums(const T (&d)[4], uint32_t* out) {
  const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
  for (int e = 0; e < 4; ++e) out[(g + 8 * (e / 2)) * 8 + 2 * t + e % 2] = word_of(d[e]);
}

// Twice, so that the sums count: the first product is doubled.
template <class E>
struct Mma : Warp {
  static constexpr const char* name = MmaOf<E>::name;
  static constexpr int in_words = (16 + 8) * 8, out_words = 16 * 8;
  static void fill(nibble::Random& random, uint32_t* in) { fill_operand<E>(random, in, in_words); }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const Fragments f(in);
    typename MmaOf<E>::Sum d[4] = {};
    MmaOf<E>::run(d, f.a, f.b), MmaOf<E>::run(d, f.a, f.b);
    store_sums(d, out);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < 16; ++i)
      for (int j = 0; j < 8; ++j) {
        uint32_t twice[2][16];
        for (int w = 0; w < 16; ++w)
          twice[0][w] = in[i * 8 + w % 8], twice[1][w] = in[(16 + j) * 8 + w % 8];
        out[i * 8 + j] = sum_of_products<E>(twice[0], twice[1], 16);
      }
  }
};

// Two groups of copies; the second one's last piece is 5 bytes and zeros.
struct Copies : Warp {
  static constexpr const char* name = "copy16";
  static constexpr int in_words = 256, out_words = 256;
  static void fill(nibble::Random& random, uint32_t* in) {
    RandomWords::fill_words<in_words>(random, in);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ alignas(16) uint32_t stage[2][128];
    const int lane = int(threadIdx.x);
    ptx::copy16(stage[0] + 4 * lane, in + 4 * lane);
    ptx::commit_copies();
    ptx::copy16_padded(stage[1] + 4 * lane, in + 128 + 4 * lane, lane == 31 ? 5 : 16);
    ptx::commit_copies();
    ptx::wait_for_copies<1>();
    __syncwarp();
    for (int w = 0; w < 4; ++w) out[32 * w + lane] = stage[0][127 - (32 * w + lane)];
    ptx::wait_for_copies<0>();
    __syncwarp();
    for (int w = 0; w < 4; ++w) out[128 + 32 * w + lane] = stage[1][32 * w + lane];
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < 128; ++i) out[i] = in[127 - i], out[128 + i] = in[128 + i];
    out[253] &= 0xff, out[254] = out[255] = 0;
  }
};
// Two warps: the first hands words over in shared memory and goes on, the second waits for it.
struct NamedBarriers {
  static constexpr const char* name = "meet, pass";
  static constexpr int threads = 64, blocks = 1, cluster = 1, in_words = 32, out_words = 64;
  static void fill(nibble::Random& random, uint32_t* in) {
    RandomWords::fill_words<in_words>(random, in);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ uint32_t words[32];
    const int i = int(threadIdx.x);
    if (i < 32) {
      words[i] = in[i];
      ptx::pass(3, 64);
      out[i] = in[i] + 1;
    } else {
      ptx::meet(3, 64);
      out[i] = words[63 - i];
    }
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < 32; ++i) out[i] = in[i] + 1, out[32 + i] = in[31 - i];
  }
};
struct Policies {
  static constexpr const char* name = "load_hinted";
  static constexpr Kind kind = Kind::bits;
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const uint4 a = ptx::load_hinted(in, ptx::evict_first());
    const uint4 b = ptx::load_hinted(in, ptx::evict_last());
    out[0] = a.x, out[1] = a.y ^ b.z, out[2] = b.x + a.w, out[3] = b.w;
  }
  static void want(const uint32_t* in, uint32_t* out) {
    out[0] = in[0], out[1] = in[1] ^ in[2], out[2] = in[0] + in[3], out[3] = in[3];
  }
};

inline void add_matrix(Tests& t) {
  t.add_together<LoadMatrices<1, false>>();
  t.add_together<LoadMatrices<2, false>>();
  t.add_together<LoadMatrices<4, false>>();
  t.add_together<LoadMatrices<2, true>>();
  t.add_together<LoadMatrices<4, true>>();
  t.add_together<Mma<F16>>();
  t.add_together<Mma<Bf16>>();
  t.add_together<Mma<S8>>();
  t.add_together<Copies>();
  t.add_together<NamedBarriers>();
  t.add<Policies>();
}

}  // namespace ptx_test
