// Tensor maps for ptx/tensor.cuh, made by the host: cuTensorMapEncodeTiled, which is looked up in
// the driver when it is first needed, so that nothing is linked with libcuda.
#pragma once
#include <cuda.h>
#include <cuda_runtime.h>

#include "nibble/base/status.h"
#include "nibble/cuda/descriptor.h"
#include "nibble/cuda/error.h"

namespace nibble::cuda {

// Rows of bytes, and the box of them that one instruction moves. `row_bytes` apart in memory, and
// the base, are multiples of 16; a box is at most 256 rows and, with a swizzle, its span wide.
struct Rows {
  const void* base = nullptr;
  uint64_t bytes = 0, rows = 1;  // of the tensor
  uint64_t row_bytes = 0;        // from one to the next
  uint32_t box_bytes = 0, box_rows = 1;
  Swizzle swizzle = Swizzle::none;
};

inline Status make_map(const Rows& r, CUtensorMap& map) {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  const int code = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000,
                                                    cudaEnableDefault, &found);
  if (Status s = status_of(code, "looking for cuTensorMapEncodeTiled"); !s.ok()) return s;
  if (!function) return Status::error("the driver has no cuTensorMapEncodeTiled");
  const cuuint64_t sizes[] = {r.bytes, r.rows}, strides[] = {r.row_bytes};
  const cuuint32_t box[] = {r.box_bytes, r.box_rows}, steps[] = {1, 1};
  const auto swizzle = CUtensorMapSwizzle(int(CU_TENSOR_MAP_SWIZZLE_NONE) + int(r.swizzle));
  const CUresult result = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(function)(
      &map, CU_TENSOR_MAP_DATA_TYPE_UINT8, r.rows > 1 ? 2 : 1, const_cast<void*>(r.base), sizes,
      strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle,
      CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? Status()
                                : Status::error("cuTensorMapEncodeTiled refuses the map: error " +
                                                std::to_string(int(result)));
}
static_assert(CU_TENSOR_MAP_SWIZZLE_32B == int(Swizzle::bytes32) &&
              CU_TENSOR_MAP_SWIZZLE_64B == int(Swizzle::bytes64) &&
              CU_TENSOR_MAP_SWIZZLE_128B == int(Swizzle::bytes128));

}  // namespace nibble::cuda
