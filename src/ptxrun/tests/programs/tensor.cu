// Tensor-core code as it is written by hand: cp.async into a double buffer, ldmatrix, mma.sync; and
// the half-precision intrinsics of the toolkit's headers.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_pipeline.h>

#include <cmath>
#include <cstring>

#include "check.h"

__device__ unsigned shared_address(const void* p) { return unsigned(__cvta_generic_to_shared(p)); }

// C[64][32] = A[64][k] * B[32][k]^T for one block of four warps, 16 rows each; k in steps of 32.
// Rows of a tile are 40 halves apart, so that the eight rows ldmatrix reads lie in different banks.
__global__ void multiply(const __half* a, const __half* b, float* c, int k) {
  __shared__ __align__(16) __half ta[2][64][40], tb[2][32][40];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  auto load = [&](int stage, int k0) {
    for (int i = threadIdx.x; i < 64 * 4; i += blockDim.x)
      __pipeline_memcpy_async(&ta[stage][i / 4][i % 4 * 8], a + i / 4 * k + k0 + i % 4 * 8, 16);
    for (int i = threadIdx.x; i < 32 * 4; i += blockDim.x)
      __pipeline_memcpy_async(&tb[stage][i / 4][i % 4 * 8], b + i / 4 * k + k0 + i % 4 * 8, 16);
    __pipeline_commit();
  };
  float sum[4][4] = {};
  load(0, 0);
  for (int step = 0; step < k / 32; ++step) {
    if (step + 1 < k / 32)
      load((step + 1) % 2, (step + 1) * 32);
    else
      __pipeline_commit();
    __pipeline_wait_prior(1);
    __syncthreads();
    const int s = step % 2;
    for (int kk = 0; kk < 32; kk += 16) {
      unsigned fa[4], fb[2];
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                   : "=r"(fa[0]), "=r"(fa[1]), "=r"(fa[2]), "=r"(fa[3])
                   : "r"(shared_address(&ta[s][16 * warp + lane % 16][kk + lane / 16 * 8])));
      for (int n = 0; n < 4; ++n) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                     : "=r"(fb[0]), "=r"(fb[1])
                     : "r"(shared_address(&tb[s][8 * n + lane % 8][kk + lane / 8 % 2 * 8])));
        asm volatile(
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
            "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(sum[n][0]), "+f"(sum[n][1]), "+f"(sum[n][2]), "+f"(sum[n][3])
            : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]));
      }
    }
    __syncthreads();
  }
  for (int n = 0; n < 4; ++n)
    for (int i = 0; i < 4; ++i)
      c[(16 * warp + lane / 4 + i / 2 * 8) * 32 + 8 * n + lane % 4 * 2 + i % 2] = sum[n][i];
}
int test_multiply() {
  const int k = 96;
  std::vector<__half> a(64 * k), b(32 * k);
  for (size_t i = 0; i < a.size(); ++i) a[i] = __float2half(float(int(i * 7 % 31) - 15) / 8);
  for (size_t i = 0; i < b.size(); ++i) b[i] = __float2half(float(int(i * 5 % 29) - 14) / 4);
  Device<__half> da(a), db(b);
  Device<float> dc(64 * 32);
  multiply<<<1, 128>>>(da.p, db.p, dc.p, k);
  const auto c = dc.host();
  bool good = true;
  for (int m = 0; m < 64; ++m)
    for (int n = 0; n < 32; ++n) {
      double e = 0;
      for (int i = 0; i < k; ++i)
        e += double(__half2float(a[m * k + i])) * __half2float(b[n * k + i]);
      good &= c[m * 32 + n] == e;
    }
  return verdict("multiply", good);
}

__global__ void narrow(const float* x, float* y, int n) {
  const int i = threadIdx.x;
  const __half2 h = __floats2half2_rn(x[i], x[(i + 1) % n]);
  const __half2 p = __hfma2(h, h, __float2half2_rn(0.5f));
  const __nv_bfloat162 q = __hadd2(__floats2bfloat162_rn(x[i], 1.f), __float2bfloat162_rn(2.f));
  const __nv_fp8_e4m3 f(x[i]);
  const float least = __half2float(__hmin(h.x, h.y));
  y[i] = __half2float(p.x) + __bfloat162float(q.y) + float(f) + (__hgt(h.x, h.y) ? least : 0.f);
}
int test_narrow() {
  const int n = 64;
  std::vector<float> x(n);
  for (int i = 0; i < n; ++i)
    x[i] = float(i * 13 % 64 - 32) / 16;  // exact in every format but e4m3
  Device<float> dx(x), dy(n);
  narrow<<<1, n>>>(dx.p, dy.p, n);
  const auto y = dy.host();
  bool good = true;
  for (int i = 0; i < n; ++i) {
    const float next = x[(i + 1) % n];
    const float square = __half2float(__float2half(x[i] * x[i] + 0.5f));
    good &= y[i] == square + 3.f + float(__nv_fp8_e4m3(x[i])) + (x[i] > next ? next : 0.f);
  }
  return verdict("narrow", good);
}

// Every half as a float, by 16 bytes a lane; by all lanes of a warp, or with `step` 2 by half of
// them.
__global__ void widen(const uint4* x, float* y, int step) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i % step) return;
  for (int k = i; k < i + step; ++k) {
    const uint4 v = x[k];
    const unsigned words[4] = {v.x, v.y, v.z, v.w};
    for (int e = 0; e < 8; ++e)
      y[8 * k + e] = __half2float(__ushort_as_half((unsigned short)(words[e / 2] >> 16 * (e % 2))));
  }
}
int test_widen() {
  const int n = 65536;
  std::vector<unsigned short> x(n);
  for (int i = 0; i < n; ++i) x[i] = (unsigned short)(i * 40503);  // odd: each once
  Device<unsigned short> dx(x);
  bool good = true;
  for (int step = 1; step <= 2; ++step) {
    Device<float> dy(n);
    widen<<<n / 8 / 128, 128>>>(reinterpret_cast<const uint4*>(dx.p), dy.p, step);
    const auto y = dy.host();
    for (int i = 0; i < n; ++i) {
      const int exponent = x[i] >> 10 & 31, fraction = x[i] & 1023;
      double e = exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
      if (exponent == 31) e = fraction ? NAN : INFINITY;
      if (x[i] >> 15) e = -e;
      unsigned bits;
      std::memcpy(&bits, &y[i], sizeof bits);
      good &=
          std::isnan(e) ? bits == 0x7fffffffu : y[i] == e && std::signbit(y[i]) == std::signbit(e);
    }
  }
  return verdict("widen", good);
}

int main() { return test_multiply() + test_narrow() + test_widen(); }
