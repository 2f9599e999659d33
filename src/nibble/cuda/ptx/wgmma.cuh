// Products of a warpgroup, asynchronous: 64 rows of a times n rows of b, 32 bytes along K (wgmma).
// a from shared memory or from registers, b from shared memory, both K-major by wgmma_descriptor();
// what ordinary stores wrote there needs fence_async_proxy(). sm_90a alone.
//
// Thread t of the warpgroup has of d element e, with g = t % 32 / 4: row 16 (t / 32) + g +
// 8 (e / 2 % 2), column 8 (e / 4) + 2 (t % 4) + e % 2. Of a in registers it has what mma.cuh says,
// of its warp's 16 rows. Whether d counts or is taken as zero is said at run time.
//
// Registers of d and a belong to the products from begin_products() on, which also comes after any
// other code has written them, until wait_for_products().
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

__device__ __forceinline__ void begin_products() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
// Products since the last commit are a group.
__device__ __forceinline__ void commit_products() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int kOpen>
__device__ __forceinline__ void wait_for_products() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kOpen) : "memory");
}
// The compiler moves nothing that touches a register of d across this.
template <int N>
__device__ __forceinline__ void keep(float (&d)[N]) {
#pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+f"(d[i])::"memory");
}
template <int N>
__device__ __forceinline__ void keep(int32_t (&d)[N]) {
#pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+r"(d[i])::"memory");
}

// Lists of 32 and 64 registers, as text and as operands: the language has no other way to say them.
#define NIBBLE_F(x) "+f"(x)
#define NIBBLE_R(x) "+r"(x)
#define NIBBLE_TEXT_32                                                                     \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, " \
  "%19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
#define NIBBLE_TEXT_64                                                                     \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, " \
  "%19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, "  \
  "%36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, "  \
  "%53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
#define NIBBLE_D_32(R)                                                                          \
  R(d[0]), R(d[1]), R(d[2]), R(d[3]), R(d[4]), R(d[5]), R(d[6]), R(d[7]), R(d[8]), R(d[9]),     \
      R(d[10]), R(d[11]), R(d[12]), R(d[13]), R(d[14]), R(d[15]), R(d[16]), R(d[17]), R(d[18]), \
      R(d[19]), R(d[20]), R(d[21]), R(d[22]), R(d[23]), R(d[24]), R(d[25]), R(d[26]), R(d[27]), \
      R(d[28]), R(d[29]), R(d[30]), R(d[31])
#define NIBBLE_D_64(R)                                                                          \
  R(d[0]), R(d[1]), R(d[2]), R(d[3]), R(d[4]), R(d[5]), R(d[6]), R(d[7]), R(d[8]), R(d[9]),     \
      R(d[10]), R(d[11]), R(d[12]), R(d[13]), R(d[14]), R(d[15]), R(d[16]), R(d[17]), R(d[18]), \
      R(d[19]), R(d[20]), R(d[21]), R(d[22]), R(d[23]), R(d[24]), R(d[25]), R(d[26]), R(d[27]), \
      R(d[28]), R(d[29]), R(d[30]), R(d[31]), R(d[32]), R(d[33]), R(d[34]), R(d[35]), R(d[36]), \
      R(d[37]), R(d[38]), R(d[39]), R(d[40]), R(d[41]), R(d[42]), R(d[43]), R(d[44]), R(d[45]), \
      R(d[46]), R(d[47]), R(d[48]), R(d[49]), R(d[50]), R(d[51]), R(d[52]), R(d[53]), R(d[54]), \
      R(d[55]), R(d[56]), R(d[57]), R(d[58]), R(d[59]), R(d[60]), R(d[61]), R(d[62]), R(d[63])

__device__ __forceinline__ void wgmma_bf16(float (&d)[32], uint64_t a, uint64_t b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %34, "
      "0;\nwgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " NIBBLE_TEXT_32
      "%32, %33, p, 1, 1, 0, 0;\n}"
      : NIBBLE_D_32(NIBBLE_F)
      : "l"(a), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_bf16(float (&d)[32], const uint32_t (&a)[4], uint64_t b,
                                           bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %37, "
      "0;\nwgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " NIBBLE_TEXT_32
      "{%32, %33, %34, %35}, %36, p, 1, 1, 0;\n}"
      : NIBBLE_D_32(NIBBLE_F)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_bf16(float (&d)[64], uint64_t a, uint64_t b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %66, "
      "0;\nwgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 " NIBBLE_TEXT_64
      "%64, %65, p, 1, 1, 0, 0;\n}"
      : NIBBLE_D_64(NIBBLE_F)
      : "l"(a), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_bf16(float (&d)[64], const uint32_t (&a)[4], uint64_t b,
                                           bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %69, "
      "0;\nwgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 " NIBBLE_TEXT_64
      "{%64, %65, %66, %67}, %68, p, 1, 1, 0;\n}"
      : NIBBLE_D_64(NIBBLE_F)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_e4m3(float (&d)[32], uint64_t a, uint64_t b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %34, "
      "0;\nwgmma.mma_async.sync.aligned.m64n64k32.f32.e4m3.e4m3 " NIBBLE_TEXT_32
      "%32, %33, p, 1, 1;\n}"
      : NIBBLE_D_32(NIBBLE_F)
      : "l"(a), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_e4m3(float (&d)[32], const uint32_t (&a)[4], uint64_t b,
                                           bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %37, "
      "0;\nwgmma.mma_async.sync.aligned.m64n64k32.f32.e4m3.e4m3 " NIBBLE_TEXT_32
      "{%32, %33, %34, %35}, %36, p, 1, 1;\n}"
      : NIBBLE_D_32(NIBBLE_F)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_e4m3(float (&d)[64], uint64_t a, uint64_t b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %66, "
      "0;\nwgmma.mma_async.sync.aligned.m64n128k32.f32.e4m3.e4m3 " NIBBLE_TEXT_64
      "%64, %65, p, 1, 1;\n}"
      : NIBBLE_D_64(NIBBLE_F)
      : "l"(a), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_e4m3(float (&d)[64], const uint32_t (&a)[4], uint64_t b,
                                           bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %69, "
      "0;\nwgmma.mma_async.sync.aligned.m64n128k32.f32.e4m3.e4m3 " NIBBLE_TEXT_64
      "{%64, %65, %66, %67}, %68, p, 1, 1;\n}"
      : NIBBLE_D_64(NIBBLE_F)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_s8(int32_t (&d)[32], uint64_t a, uint64_t b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %34, "
      "0;\nwgmma.mma_async.sync.aligned.m64n64k32.s32.s8.s8 " NIBBLE_TEXT_32 "%32, %33, p;\n}"
      : NIBBLE_D_32(NIBBLE_R)
      : "l"(a), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_s8(int32_t (&d)[32], const uint32_t (&a)[4], uint64_t b,
                                         bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %37, "
      "0;\nwgmma.mma_async.sync.aligned.m64n64k32.s32.s8.s8 " NIBBLE_TEXT_32
      "{%32, %33, %34, %35}, %36, p;\n}"
      : NIBBLE_D_32(NIBBLE_R)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_s8(int32_t (&d)[64], uint64_t a, uint64_t b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %66, "
      "0;\nwgmma.mma_async.sync.aligned.m64n128k32.s32.s8.s8 " NIBBLE_TEXT_64 "%64, %65, p;\n}"
      : NIBBLE_D_64(NIBBLE_R)
      : "l"(a), "l"(b), "r"(int(adds)));
}
__device__ __forceinline__ void wgmma_s8(int32_t (&d)[64], const uint32_t (&a)[4], uint64_t b,
                                         bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %69, "
      "0;\nwgmma.mma_async.sync.aligned.m64n128k32.s32.s8.s8 " NIBBLE_TEXT_64
      "{%64, %65, %66, %67}, %68, p;\n}"
      : NIBBLE_D_64(NIBBLE_R)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(adds)));
}

#undef NIBBLE_F
#undef NIBBLE_R
#undef NIBBLE_TEXT_32
#undef NIBBLE_TEXT_64
#undef NIBBLE_D_32
#undef NIBBLE_D_64

}  // namespace nibble::cuda::ptx
