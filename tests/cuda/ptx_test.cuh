// Instruction by instruction: what a function of cuda/ptx gives, against the number formats in
// plain C++. A test program lists instructions, structs with
//   name, kind                   what the words of the result are
//   got(in, out), want(in, out)  four words of input to four of result, on the device and here
// What takes a warp, a block or a cluster is listed as a struct with
//   name, threads, blocks, cluster, in_words, out_words
//   got(in, out)                 what every thread does with words of global memory
//   fill(random, in), want(in, out)
//
// `--dump FILE` writes all results: a GPU's and ptxrun's are to be the same file.
#pragma once
#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "nibble/base/random.h"
#include "nibble/cuda/launch.cuh"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp16.h"
#include "nibble/numerics/fp8.h"

namespace ptx_test {

using nibble::bit_cast;
using nibble::fp16;

enum class Kind { bits, halves, floats };  // of the last two, all NaNs are one

struct Words {
  uint32_t w[4];
};

template <class Instruction>
__global__ void run(const Words* in, Words* out, int count) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= count) return;
  Words result{};
  Instruction::got(in[i].w, result.w);
  out[i] = result;
}

template <class Collective>
__global__ void __launch_bounds__(Collective::threads, 1)
    run_together(const uint32_t* in, uint32_t* out) {
  Collective::got(in, out);
}

inline uint32_t one_nan(Kind kind, uint32_t x) {
  const auto half = [](uint32_t h) { return (h & 0x7fffu) > 0x7c00u ? 0x7fffu : h; };
  if (kind == Kind::halves) return half(x & 0xffffu) | half(x >> 16) << 16;
  if (kind == Kind::floats && (x & 0x7fffffffu) > 0x7f800000u) return 0x7fffffffu;
  return x;
}

inline uint32_t pack(float low, float high) {
  return nibble::to_fp16(low).bits | uint32_t(nibble::to_fp16(high).bits) << 16;
}
inline float low_half(uint32_t x) { return nibble::to_float(fp16{uint16_t(x)}); }
inline float high_half(uint32_t x) { return nibble::to_float(fp16{uint16_t(x >> 16)}); }
inline uint32_t pack_exact(double low, double high) {  // one rounding
  return nibble::to_fp16(low).bits | uint32_t(nibble::to_fp16(high).bits) << 16;
}

class Tests {
 public:
  Tests(int argc, char** argv) {
    if (argc == 3 && std::strcmp(argv[1], "--dump") == 0) dump_ = std::fopen(argv[2], "wb");
  }
  ~Tests() {
    if (dump_) std::fclose(dump_);
  }

  // All values of the low 16 bits of the first word, all else random.
  template <class Instruction>
  void add() {
    constexpr int kCount = 1 << 16;
    std::vector<Words> in(kCount), out(kCount);
    nibble::Random random(1);
    for (int i = 0; i < kCount; ++i) {
      for (uint32_t& x : in[size_t(i)].w) x = random.next32();
      in[size_t(i)].w[0] = (in[size_t(i)].w[0] & 0xffff0000u) | uint32_t(i);
    }
    Words *from = nullptr, *to = nullptr;
    const size_t bytes = kCount * sizeof(Words);
    check(cudaMalloc(&from, bytes)), check(cudaMalloc(&to, bytes));
    check(cudaMemcpy(from, in.data(), bytes, cudaMemcpyHostToDevice));
    run<Instruction><<<kCount / 256, 256>>>(from, to, kCount);
    check(cudaGetLastError()), check(cudaMemcpy(out.data(), to, bytes, cudaMemcpyDeviceToHost));
    check(cudaFree(from)), check(cudaFree(to));
    int wrong = 0;
    for (int i = 0; i < kCount; ++i) {
      Words want{};
      Instruction::want(in[size_t(i)].w, want.w);
      for (int n = 0; n < 4; ++n) {
        uint32_t& got = out[size_t(i)].w[n];
        got = one_nan(Instruction::kind, got);
        if (got == one_nan(Instruction::kind, want.w[n]) || wrong++ > 0) continue;
        std::printf("%s of %08x %08x %08x: word %d is %08x, not %08x\n", Instruction::name,
                    in[size_t(i)].w[0], in[size_t(i)].w[1], in[size_t(i)].w[2], n, got, want.w[n]);
      }
    }
    report(Instruction::name, wrong == 0);
    if (dump_) std::fwrite(out.data(), sizeof(Words), out.size(), dump_);
  }

  // Bit for bit; every word of the result is written.
  template <class Collective>
  void add_together() {
    using C = Collective;
    std::vector<uint32_t> in(C::in_words), out(C::out_words), want(C::out_words);
    nibble::Random random(1);
    C::fill(random, in.data());
    C::want(in.data(), want.data());
    uint32_t *from = nullptr, *to = nullptr;
    check(cudaMalloc(&from, 4 * in.size())), check(cudaMalloc(&to, 4 * out.size()));
    check(cudaMemcpy(from, in.data(), 4 * in.size(), cudaMemcpyHostToDevice));
    check(cudaMemset(to, 0xa5, 4 * out.size()));
    nibble::cuda::launch(run_together<C>,
                         {.grid = C::blocks, .block = C::threads, .cluster = C::cluster}, {}, from,
                         to);
    check(cudaGetLastError());
    check(cudaMemcpy(out.data(), to, 4 * out.size(), cudaMemcpyDeviceToHost));
    check(cudaFree(from)), check(cudaFree(to));
    judge(C::name, out, want);
  }

  void judge(const char* name, const std::vector<uint32_t>& out,
             const std::vector<uint32_t>& want) {
    size_t first = 0;
    while (first < out.size() && out[first] == want[first]) ++first;
    if (first < out.size())
      std::printf("%s: word %zu is %08x, not %08x\n", name, first, out[first], want[first]);
    report(name, first == out.size());
    if (dump_) std::fwrite(out.data(), 4, out.size(), dump_);
  }
  void report(const char* name, bool good) {
    std::printf("%-26s %s\n", name, good ? "ok" : "FAILED");
    failed_ += !good;
  }

  void check(cudaError_t e) {
    if (e == cudaSuccess) return;
    std::printf("FAILED: %s\n", cudaGetErrorString(e));
    ++failed_;
  }
  int failed() const { return failed_; }

 private:
  std::FILE* dump_ = nullptr;
  int failed_ = 0;
};

}  // namespace ptx_test
