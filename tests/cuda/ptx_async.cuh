// What goes on while threads compute, and clusters: sm_90 and later.
#pragma once
#include "nibble/cuda/ptx/barrier.cuh"
#include "nibble/cuda/ptx/bulk.cuh"
#include "nibble/cuda/ptx/cluster.cuh"
#include "nibble/cuda/ptx/mbarrier.cuh"
#include "nibble/cuda/ptx/registers.cuh"
#include "nibble/cuda/ptx/tensor.cuh"
#include "nibble/cuda/tensor_map.cuh"
#include "ptx_matrix.cuh"

namespace ptx_test {

template <int N, bool kTransposed>
struct StoreMatrices : Warp {
  static constexpr const char* name = kTransposed ? "store_matrices_transposed" : "store_matrices";
  static constexpr int in_words = 128, out_words = 32 * N;
  static void fill(nibble::Random& random, uint32_t* in) {
    RandomWords::fill_words<in_words>(random, in);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ alignas(16) uint32_t rows[in_words];
    const int lane = int(threadIdx.x);
    uint32_t m[N];
    for (int i = 0; i < N; ++i) m[i] = in[i * 32 + lane];
    uint32_t* row = rows + matrix_word(lane / 8 % N, lane % 8, 0);
    if constexpr (kTransposed)
      ptx::store_matrices_transposed(row, m);
    else
      ptx::store_matrices(row, m);
    __syncwarp();
    for (int i = 0; i < N; ++i) out[i * 32 + lane] = rows[i * 32 + lane];
  }
  // What ldmatrix would take apart again.
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < N; ++i)
      for (int l = 0; l < 32; ++l) {
        if (!kTransposed) {
          out[matrix_word(i, l / 4, l % 4)] = in[i * 32 + l];
          continue;
        }
        auto* halves = reinterpret_cast<uint16_t*>(out);
        for (int h = 0; h < 2; ++h)
          halves[2 * matrix_word(i, l % 4 * 2 + h, 0) + l / 4] = uint16_t(in[i * 32 + l] >> 16 * h);
      }
  }
};

// One warp fills a ring of stages in bulk, two use them up and hand results back in bulk. The bytes
// of a stage are announced with the arrival, those of the second half before it.
struct Ring {
  static constexpr const char* name = "bulk ring";
  static constexpr int threads = 96, blocks = 2, cluster = 1;
  static constexpr int stages = 3, chunk = 256, chunks = 10;
  static constexpr int in_words = blocks * chunks * chunk, out_words = in_words;
  static void fill(nibble::Random& random, uint32_t* in) {
    RandomWords::fill_words<in_words>(random, in);
  }
  struct Shared {
    alignas(128) uint32_t stage[stages][chunk];
    alignas(128) uint32_t result[chunk];
    uint64_t full[stages], empty[stages];
  };
  static __device__ void produce(Shared& s, const uint32_t* in) {
    const uint64_t policy = ptx::evict_first();
    for (int k = 0; k < chunks; ++k) {
      const int i = k % stages;
      constexpr uint32_t half = sizeof s.stage[0] / 2;
      if (k >= stages) ptx::wait(&s.empty[i], (k / stages - 1) & 1);
      ptx::expect_bytes(&s.full[i], half);
      ptx::arrive_expecting(&s.full[i], half);
      ptx::bulk_load(s.stage[i], in + k * chunk, half, &s.full[i]);
      ptx::bulk_load_hinted(s.stage[i] + chunk / 2, in + k * chunk + chunk / 2, half, &s.full[i],
                            policy);
    }
  }
  static __device__ void consume(Shared& s, uint32_t* out) {
    const int thread = int(threadIdx.x);
    for (int k = 0; k < chunks; ++k) {
      const int i = k % stages;
      ptx::wait(&s.full[i], k / stages & 1);
      uint32_t v[4];
      for (int w = 0; w < 4; ++w) v[w] = s.stage[i][chunk - 1 - (thread + 64 * w)] + uint32_t(k);
      ptx::arrive(&s.empty[i]);
      if (k > 0 && thread == 0) ptx::wait_for_bulk_reads<0>();
      ptx::meet(1, 64);
      for (int w = 0; w < 4; ++w) s.result[thread + 64 * w] = v[w];
      ptx::fence_async_proxy();
      ptx::meet(1, 64);
      if (thread == 0)
        ptx::bulk_store(out + k * chunk, s.result, sizeof s.result), ptx::commit_bulk();
    }
    if (thread == 0) ptx::wait_for_bulk<0>();
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ Shared s;
    if (threadIdx.x == 0) {
      for (int i = 0; i < stages; ++i)
        ptx::init_mbarrier(&s.full[i], 1), ptx::init_mbarrier(&s.empty[i], 64);
      ptx::fence_mbarriers();
    }
    __syncthreads();
    const int at = int(blockIdx.x) * chunks * chunk;
    if (threadIdx.x < 64)
      consume(s, out + at);
    else if (threadIdx.x == 64)
      produce(s, in + at);
    __syncthreads();
    if (threadIdx.x == 0)
      for (int i = 0; i < stages; ++i)
        ptx::end_mbarrier(&s.full[i]), ptx::end_mbarrier(&s.empty[i]);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < in_words; ++i)
      out[i] = in[i / chunk * chunk + chunk - 1 - i % chunk] + uint32_t(i / chunk % chunks);
  }
};

// Copies of 32 threads that arrive by themselves.
struct CopiesArrive : Warp {
  static constexpr const char* name = "arrive_with_copies";
  static constexpr int in_words = 128, out_words = 128;
  static void fill(nibble::Random& random, uint32_t* in) {
    RandomWords::fill_words<in_words>(random, in);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ alignas(16) uint32_t stage[128];
    __shared__ uint64_t bar;
    const int lane = int(threadIdx.x);
    if (lane == 0) ptx::init_mbarrier(&bar, 32), ptx::fence_mbarriers();
    __syncwarp();
    ptx::copy16(stage + 4 * lane, in + 4 * lane);
    ptx::arrive_with_copies(&bar);
    ptx::wait(&bar, 0);
    for (int w = 0; w < 4; ++w) out[32 * w + lane] = stage[127 - (32 * w + lane)];
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < 128; ++i) out[i] = in[127 - i];
  }
};

// Blocks of a cluster read from the next one, write to the one before, and arrive at its barrier.
struct Cluster {
  static constexpr const char* name = "cluster";
  static constexpr int threads = 64, blocks = 8, cluster = 4;
  static constexpr int in_words = blocks * 64, out_words = blocks * 3 * 64;
  static void fill(nibble::Random& random, uint32_t* in) {
    RandomWords::fill_words<in_words>(random, in);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ alignas(16) uint32_t mine[64], written[64];
    __shared__ uint64_t bar;
    const int i = int(threadIdx.x);
    const uint32_t rank = ptx::cluster_rank();
    if (i == 0) ptx::init_mbarrier(&bar, 64), ptx::fence_mbarriers();
    mine[i] = in[blockIdx.x * 64 + i];
    ptx::arrive_at_cluster(), ptx::wait_for_cluster();
    const uint32_t next = (rank + 1) % cluster, previous = (rank + cluster - 1) % cluster;
    out += blockIdx.x * 3 * 64;
    out[i] = ptx::load_from_peer(ptx::peer_address(&mine[63 - i], next));
    ptx::store_to_peer(ptx::peer_address(&written[i], previous), mine[i] ^ rank);
    ptx::arrive_at_peer(ptx::peer_address(&bar, previous));
    ptx::wait_for_peers(&bar, 0);
    out[64 + i] = written[i], out[128 + i] = rank;
    ptx::arrive_at_cluster(), ptx::wait_for_cluster();
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int b = 0; b < blocks; ++b)
      for (int i = 0; i < 64; ++i) {
        const int base = b / 4 * 4, next = base + (b + 1) % 4;
        uint32_t* o = out + b * 3 * 64 + i;
        o[0] = in[next * 64 + 63 - i], o[64] = in[next * 64 + i] ^ uint32_t(next % 4);
        o[128] = uint32_t(b % 4);
      }
  }
};

// Of three warpgroups with 168 registers one gives 128 of them, which the others share.
struct Registers {
  static constexpr const char* name = "give, take registers";
  static constexpr int threads = 384, blocks = 1, cluster = 1, in_words = 384, out_words = 384;
  static void fill(nibble::Random& random, uint32_t* in) {
    RandomWords::fill_words<in_words>(random, in);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const int i = int(threadIdx.x);
    if (i < 128) {
      ptx::give_registers<40>();
      out[i] = in[i] + 1;
    } else {
      ptx::take_registers<232>();
      out[i] = in[i] - 1;
    }
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < 384; ++i) out[i] = i < 128 ? in[i] + 1 : in[i] - 1;
  }
};

// A box of rows of bytes: into shared memory as its words lie there, and back to another place.
struct Box {
  nibble::cuda::Swizzle swizzle;
  int bytes, rows;  // of the box
  int x, y;         // where it begins
};
constexpr int kBoxWords = 1024, kImageWidth = 192, kImageRows = 40;

__global__ void __launch_bounds__(64, 1)
    move_box(const __grid_constant__ CUtensorMap from, const __grid_constant__ CUtensorMap to,
             Box box, uint32_t* seen) {
  __shared__ alignas(1024) uint32_t words[kBoxWords];
  __shared__ uint64_t bar;
  const uint32_t bytes = uint32_t(box.bytes * box.rows);
  if (threadIdx.x == 0) {
    ptx::prefetch_map(&from), ptx::prefetch_map(&to);
    ptx::init_mbarrier(&bar, 1), ptx::fence_mbarriers();
    ptx::arrive_expecting(&bar, bytes);
    if (box.rows > 1)
      ptx::tensor_load(words, &from, box.x, box.y, &bar);
    else
      ptx::tensor_load(words, &from, box.x, &bar);
  }
  __syncthreads();
  ptx::wait(&bar, 0);
  for (uint32_t i = threadIdx.x; i < bytes / 4; i += 64) seen[i] = words[i];
  __syncthreads();
  if (threadIdx.x > 0) return;
  if (box.rows > 1)
    ptx::tensor_store(&to, box.x + 16, box.y + 1, words);
  else
    ptx::tensor_store(&to, box.x + 16, words);
  ptx::commit_bulk(), ptx::wait_for_bulk<0>();
}

class Image {
 public:
  Image(Tests& t, int rows) : rows_(rows), bytes_(size_t(rows) * kImageWidth) {
    t.check(cudaMalloc(&data_, bytes_));
  }
  ~Image() { cudaFree(data_); }
  Image(const Image&) = delete;
  uint8_t* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  CUtensorMap map(Tests& t, const Box& b) const {
    CUtensorMap m;
    const nibble::Status s = nibble::cuda::make_map({.base = data_,
                                                     .bytes = kImageWidth,
                                                     .rows = uint64_t(rows_),
                                                     .row_bytes = kImageWidth,
                                                     .box_bytes = uint32_t(b.bytes),
                                                     .box_rows = uint32_t(b.rows),
                                                     .swizzle = b.swizzle},
                                                    m);
    if (!s.ok()) t.report(s.why().c_str(), false);
    return m;
  }

 private:
  int rows_;
  size_t bytes_;
  uint8_t* data_ = nullptr;
};

inline void add_box(Tests& t, const char* name, const Box& b) {
  const int rows = b.rows > 1 ? kImageRows : 1;
  const Image from(t, rows), to(t, rows);
  std::vector<uint8_t> image(from.bytes()), back(to.bytes()), want_seen(size_t(b.bytes * b.rows));
  nibble::Random random(7);
  for (uint8_t& byte : image) byte = uint8_t(random.next32());
  std::vector<uint32_t> got(want_seen.size() / 4 + back.size() / 4), want(got.size());
  uint32_t* seen = nullptr;
  t.check(cudaMalloc(&seen, want_seen.size()));
  t.check(cudaMemcpy(from.data(), image.data(), image.size(), cudaMemcpyHostToDevice));
  t.check(cudaMemset(to.data(), 0, to.bytes()));
  move_box<<<1, 64>>>(from.map(t, b), to.map(t, b), b, seen);
  t.check(cudaGetLastError());
  t.check(cudaMemcpy(got.data(), seen, want_seen.size(), cudaMemcpyDeviceToHost));
  t.check(
      cudaMemcpy(got.data() + want_seen.size() / 4, to.data(), to.bytes(), cudaMemcpyDeviceToHost));
  t.check(cudaFree(seen));
  const auto inside = [&](int x, int y) { return x >= 0 && y >= 0 && x < kImageWidth && y < rows; };
  for (int r = 0; r < b.rows; ++r)
    for (int c = 0; c < b.bytes; ++c) {
      const int x = b.x + c, y = b.y + r;
      const uint8_t v = inside(x, y) ? image[size_t(y * kImageWidth + x)] : uint8_t(0);
      want_seen[nibble::cuda::swizzled(b.swizzle, uint32_t(r * b.bytes + c))] = v;
      const int shift = b.rows > 1 ? 1 : 0;
      if (inside(x + 16, y + shift)) back[size_t((y + shift) * kImageWidth + x + 16)] = v;
    }
  std::memcpy(want.data(), want_seen.data(), want_seen.size());
  std::memcpy(want.data() + want_seen.size() / 4, back.data(), back.size());
  t.judge(name, got, want);
}

inline void add_async(Tests& t) {
  using nibble::cuda::Swizzle;
  t.add_together<StoreMatrices<2, false>>();
  t.add_together<StoreMatrices<4, false>>();
  t.add_together<StoreMatrices<4, true>>();
  t.add_together<Ring>();
  t.add_together<CopiesArrive>();
  t.add_together<Cluster>();
  t.add_together<Registers>();
  add_box(t, "box, 128-byte swizzle", {Swizzle::bytes128, 128, 16, 32, 3});
  add_box(t, "box, 64-byte swizzle", {Swizzle::bytes64, 64, 16, -16, 30});
  add_box(t, "box, 32-byte swizzle", {Swizzle::bytes32, 32, 24, 176, -2});
  add_box(t, "box, no swizzle", {Swizzle::none, 80, 4, 144, 38});
  add_box(t, "box of a line", {Swizzle::none, 128, 1, 96, 0});
}

}  // namespace ptx_test
