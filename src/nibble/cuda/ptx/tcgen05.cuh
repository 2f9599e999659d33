// Tensor memory and the products of the fifth generation of tensor cores (tcgen05). sm_100a alone.
//
// Tensor memory is 128 lanes by 512 columns of 32 bits; an address is a lane in its upper and a
// column in its lower half. Warp w reaches lanes 32 (w % 4) to 32 (w % 4) + 31. Products, copies
// and loads are asynchronous, in a proxy of their own: operands that ordinary stores wrote to
// shared memory need fence_async_proxy(); between threads, before_barrier() and after_barrier()
// stand around the barrier.
#pragma once
#include "nibble/cuda/ptx/shared.cuh"

namespace nibble::cuda::ptx {

// By one whole warp: `columns`, a power of two from 32 to 512, whose address is written to `to` in
// shared memory. The warp that allocates also releases, before the block ends.
__device__ __forceinline__ void allocate_columns(uint32_t* to, uint32_t columns) {
  asm volatile(
      "tcgen05.alloc.cta_group::1.sync.aligned.shared::cta.b32 [%0], %1;" ::"r"(shared_address(to)),
      "r"(columns)
      : "memory");
}
// Nothing more is allocated: other blocks of the multiprocessor may.
__device__ __forceinline__ void end_allocation() {
  asm volatile("tcgen05.relinquish_alloc_permit.cta_group::1.sync.aligned;");
}
__device__ __forceinline__ void release_columns(uint32_t address, uint32_t columns) {
  asm volatile("tcgen05.dealloc.cta_group::1.sync.aligned.b32 %0, %1;" ::"r"(address), "r"(columns)
               : "memory");
}

__device__ __forceinline__ void before_barrier() {
  asm volatile("tcgen05.fence::before_thread_sync;" ::: "memory");
}
__device__ __forceinline__ void after_barrier() {
  asm volatile("tcgen05.fence::after_thread_sync;" ::: "memory");
}

// By one thread: d, or zero, plus a * b; row r of d is lane r (m = 128). Operands by
// tcgen05_descriptor(), shape and types by tcgen05_instruction() of descriptor.h.
__device__ __forceinline__ void tcgen05_bf16(uint32_t d, uint64_t a, uint64_t b,
                                             uint32_t instruction, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %4, 0;\n"
      "tcgen05.mma.cta_group::1.kind::f16 [%0], %1, %2, %3, p;\n}" ::"r"(d),
      "l"(a), "l"(b), "r"(instruction), "r"(int(adds))
      : "memory");
}
__device__ __forceinline__ void tcgen05_e4m3(uint32_t d, uint64_t a, uint64_t b,
                                             uint32_t instruction, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %4, 0;\n"
      "tcgen05.mma.cta_group::1.kind::f8f6f4 [%0], %1, %2, %3, p;\n}" ::"r"(d),
      "l"(a), "l"(b), "r"(instruction), "r"(int(adds))
      : "memory");
}
__device__ __forceinline__ void tcgen05_s8(uint32_t d, uint64_t a, uint64_t b, uint32_t instruction,
                                           bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %4, 0;\n"
      "tcgen05.mma.cta_group::1.kind::i8 [%0], %1, %2, %3, p;\n}" ::"r"(d),
      "l"(a), "l"(b), "r"(instruction), "r"(int(adds))
      : "memory");
}
// Elements and scales of NVFP4, 64 columns; tcgen05_instruction_scaled(false, n). Scales are words
// in tensor memory, row r's in lane r % 32 of column r / 32, and in each other quarter of the lanes
// again: as copy_scales() brings them.
__device__ __forceinline__ void tcgen05_nvfp4(uint32_t d, uint64_t a, uint64_t b,
                                              uint32_t instruction, uint32_t scales_a,
                                              uint32_t scales_b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %6, 0;\n"
      "tcgen05.mma.cta_group::1.kind::mxf4nvf4.block_scale.block16 [%0], %1, %2, %3, [%4], [%5], "
      "p;\n}" ::"r"(d),
      "l"(a), "l"(b), "r"(instruction), "r"(scales_a), "r"(scales_b), "r"(int(adds))
      : "memory");
}
// Of MXFP4; tcgen05_instruction_scaled(true, n).
__device__ __forceinline__ void tcgen05_mxfp4(uint32_t d, uint64_t a, uint64_t b,
                                              uint32_t instruction, uint32_t scales_a,
                                              uint32_t scales_b, bool adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %6, 0;\n"
      "tcgen05.mma.cta_group::1.kind::mxf4.block_scale.block32 [%0], %1, %2, %3, [%4], [%5], "
      "p;\n}" ::"r"(d),
      "l"(a), "l"(b), "r"(instruction), "r"(scales_a), "r"(scales_b), "r"(int(adds))
      : "memory");
}
// An atom of 128x4 scales (numerics/scale_layout.h) into four columns: `atom` is the descriptor of
// its 512 bytes without a swizzle, 32 rows of 16 bytes. Comes before later products of the thread.
__device__ __forceinline__ void copy_scales(uint32_t to, uint64_t atom) {
  asm volatile("tcgen05.cp.cta_group::1.32x128b.warpx4 [%0], %1;" ::"r"(to), "l"(atom) : "memory");
}
// One arrival at the mbarrier once all that this thread has asked for is done.
__device__ __forceinline__ void arrive_with_products(uint64_t* bar) {
  asm volatile("tcgen05.commit.cta_group::1.mbarrier::arrive::one.shared::cluster.b64 [%0];" ::"r"(
                   shared_address(bar))
               : "memory");
}

// By a warp: v[i] of lane l is lane l of its quarter, column i from the address on. The registers
// are there after wait_for_loads().
__device__ __forceinline__ void load_columns(uint32_t (&v)[8], uint32_t address) {
  asm volatile("tcgen05.ld.sync.aligned.32x32b.x8.b32 {%0, %1, %2, %3, %4, %5, %6, %7}, [%8];"
               : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3]), "=r"(v[4]), "=r"(v[5]), "=r"(v[6]),
                 "=r"(v[7])
               : "r"(address)
               : "memory");
}
__device__ __forceinline__ void load_columns(uint32_t (&v)[32], uint32_t address) {
  asm volatile(
      "tcgen05.ld.sync.aligned.32x32b.x32.b32 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
      "%11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, "
      "%28, %29, %30, %31}, [%32];"
      : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3]), "=r"(v[4]), "=r"(v[5]), "=r"(v[6]),
        "=r"(v[7]), "=r"(v[8]), "=r"(v[9]), "=r"(v[10]), "=r"(v[11]), "=r"(v[12]), "=r"(v[13]),
        "=r"(v[14]), "=r"(v[15]), "=r"(v[16]), "=r"(v[17]), "=r"(v[18]), "=r"(v[19]), "=r"(v[20]),
        "=r"(v[21]), "=r"(v[22]), "=r"(v[23]), "=r"(v[24]), "=r"(v[25]), "=r"(v[26]), "=r"(v[27]),
        "=r"(v[28]), "=r"(v[29]), "=r"(v[30]), "=r"(v[31])
      : "r"(address)
      : "memory");
}
__device__ __forceinline__ void wait_for_loads() {
  asm volatile("tcgen05.wait::ld.sync.aligned;" ::: "memory");
}
// The same way back, until wait_for_stores().
__device__ __forceinline__ void store_columns(uint32_t address, const uint32_t (&v)[8]) {
  asm volatile(
      "tcgen05.st.sync.aligned.32x32b.x8.b32 [%0], {%1, %2, %3, %4, %5, %6, %7, %8};" ::"r"(
          address),
      "r"(v[0]), "r"(v[1]), "r"(v[2]), "r"(v[3]), "r"(v[4]), "r"(v[5]), "r"(v[6]), "r"(v[7])
      : "memory");
}
__device__ __forceinline__ void wait_for_stores() {
  asm volatile("tcgen05.wait::st.sync.aligned;" ::: "memory");
}

}  // namespace nibble::cuda::ptx
