// Entry points of the driver, which a program asks for by name: tensor maps.
#include <cuda.h>

#include <cstring>

#include "runtime.h"
#include "tensor_map.h"

using namespace ptxrun;

namespace {

// Bytes of an element by CUtensorMapDataType; 0: a type that is not here.
constexpr uint8_t kElementBytes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4, 1, 0, 0};

// Bytes of a row of shared memory that a swizzle permutes within.
uint32_t swizzle_span(CUtensorMapSwizzle s) {
  switch (s) {
    case CU_TENSOR_MAP_SWIZZLE_32B:
      return 32;
    case CU_TENSOR_MAP_SWIZZLE_64B:
      return 64;
    case CU_TENSOR_MAP_SWIZZLE_NONE:
      return 0;
    default:
      return 128;
  }
}

CUresult encode_tiled(CUtensorMap* out, CUtensorMapDataType type, cuuint32_t rank, void* address,
                      const cuuint64_t* dims, const cuuint64_t* strides, const cuuint32_t* box,
                      const cuuint32_t* steps, CUtensorMapInterleave interleave,
                      CUtensorMapSwizzle swizzle, CUtensorMapL2promotion,
                      CUtensorMapFloatOOBfill outside) {
  const uint64_t base = reinterpret_cast<uint64_t>(address);
  if (!out || reinterpret_cast<uint64_t>(out) % 64 || rank < 1 || rank > 5 || base % 16 ||
      unsigned(type) >= std::size(kElementBytes))
    return CUDA_ERROR_INVALID_VALUE;
  const bool flips = swizzle == CU_TENSOR_MAP_SWIZZLE_128B_ATOM_32B_FLIP_8B;
  if (kElementBytes[type] == 0 || interleave != CU_TENSOR_MAP_INTERLEAVE_NONE || flips) {
    Runtime& rt = Runtime::get();
    rt.report.add({.kind = FaultKind::refused,
                   .what = "a tensor map with interleaved channels, padded 4- or 6-bit elements or "
                           "8-byte flips, which this executor does not have"});
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  TensorMap m;
  m.magic = kTensorMapMagic;
  m.rank = uint8_t(rank), m.element_bytes = kElementBytes[type], m.type = uint8_t(type);
  m.packed = type == CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN8B;
  m.swizzle = uint8_t(swizzle), m.base = base;
  m.nan_fill = outside == CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA;
  const bool is_float =
      type >= CU_TENSOR_MAP_DATA_TYPE_FLOAT16 && type <= CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ;
  if (m.nan_fill && !is_float) return CUDA_ERROR_INVALID_VALUE;
  for (unsigned d = 0; d < rank; ++d) {
    if (dims[d] == 0 || dims[d] > uint64_t(1) << 32 || box[d] == 0 || box[d] > 256 ||
        steps[d] == 0 || steps[d] > 8)
      return CUDA_ERROR_INVALID_VALUE;
    m.last[d] = uint32_t(dims[d] - 1), m.box[d] = uint16_t(box[d]), m.step[d] = uint8_t(steps[d]);
    if (d == 0) continue;
    if (strides[d - 1] % 16 || strides[d - 1] >= uint64_t(1) << 40) return CUDA_ERROR_INVALID_VALUE;
    m.stride[d - 1] = strides[d - 1];
  }
  const uint32_t span = swizzle_span(swizzle);
  if (m.row_bytes() % 16 || (span && m.row_bytes() > span) || m.box_bytes() > 256 * 1024)
    return CUDA_ERROR_INVALID_VALUE;
  std::memset(static_cast<void*>(out), 0, sizeof *out);
  std::memcpy(static_cast<void*>(out), &m, sizeof m);
  return CUDA_SUCCESS;
}

CUresult replace_address(CUtensorMap* map, void* address) {
  TensorMap m;
  std::memcpy(static_cast<void*>(&m), map, sizeof m);
  if (m.magic != kTensorMapMagic || reinterpret_cast<uint64_t>(address) % 16)
    return CUDA_ERROR_INVALID_VALUE;
  m.base = reinterpret_cast<uint64_t>(address);
  std::memcpy(static_cast<void*>(map), &m, sizeof m);
  return CUDA_SUCCESS;
}
CUresult driver_version(int* version) { return *version = CUDA_VERSION, CUDA_SUCCESS; }
CUresult error_string(CUresult error, const char** text) {
  *text = error == CUDA_SUCCESS ? "no error" : "a driver call failed";
  return CUDA_SUCCESS;
}

struct Entry {
  const char* name;
  void* function;
};
const Entry kEntries[] = {
    {"cuTensorMapEncodeTiled", reinterpret_cast<void*>(encode_tiled)},
    {"cuTensorMapReplaceAddress", reinterpret_cast<void*>(replace_address)},
    {"cuDriverGetVersion", reinterpret_cast<void*>(driver_version)},
    {"cuGetErrorString", reinterpret_cast<void*>(error_string)},
};

}  // namespace

extern "C" {

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
  PTXRUN_ENTER;
  *function = nullptr;
  for (const Entry& e : kEntries)
    if (std::strcmp(e.name, symbol) == 0) *function = e.function;
  if (result)
    *result = *function ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}
#undef cudaGetDriverEntryPoint
cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** function, unsigned long long flags,
                                    cudaDriverEntryPointQueryResult* result) {
  return cudaGetDriverEntryPointByVersion(symbol, function, CUDA_VERSION, flags, result);
}

}  // extern "C"
