// Entry points: the device, errors, versions.
#include "runtime.h"

#include <cstdio>
#include <cstring>

using namespace ptxrun;

namespace {

struct ErrorRow {
  cudaError_t error;
  const char *name, *text;
};
constexpr ErrorRow kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorInvalidPitchValue, "cudaErrorInvalidPitchValue", "invalid pitch argument"},
    {cudaErrorInvalidSymbol, "cudaErrorInvalidSymbol", "invalid device symbol"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection",
     "invalid copy direction for memcpy"},
    {cudaErrorMissingConfiguration, "cudaErrorMissingConfiguration",
     "__global__ function call is not configured"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidKernelImage, "cudaErrorInvalidKernelImage", "device kernel image is invalid"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorInvalidPtx, "cudaErrorInvalidPtx", "a PTX JIT compilation failed"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {cudaErrorLaunchTimeout, "cudaErrorLaunchTimeout", "the launch timed out and was terminated"},
    {cudaErrorAssert, "cudaErrorAssert", "device-side assert triggered"},
    {cudaErrorIllegalInstruction, "cudaErrorIllegalInstruction",
     "an illegal instruction was encountered"},
    {cudaErrorMisalignedAddress, "cudaErrorMisalignedAddress", "misaligned address"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorCooperativeLaunchTooLarge, "cudaErrorCooperativeLaunchTooLarge",
     "too many blocks in cooperative launch"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorSymbolNotFound, "cudaErrorSymbolNotFound", "named symbol not found"},
    {cudaErrorInvalidClusterSize, "cudaErrorInvalidClusterSize",
     "cluster launch exceeds the limit"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined",
     "capture of a stream has work that was not joined"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
     "capture was not begun in this stream"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
     "dependency created on uncaptured work in another stream"},
    {cudaErrorStreamCaptureImplicit, "cudaErrorStreamCaptureImplicit",
     "operation would make the legacy stream depend on a capturing stream"},
    {cudaErrorIllegalState, "cudaErrorIllegalState",
     "the operation cannot be performed in the present state"},
    {cudaErrorGraphExecUpdateFailure, "cudaErrorGraphExecUpdateFailure",
     "the graph update was not performed"},
    {cudaErrorPeerAccessAlreadyEnabled, "cudaErrorPeerAccessAlreadyEnabled",
     "peer access is already enabled"},
    {cudaErrorPeerAccessNotEnabled, "cudaErrorPeerAccessNotEnabled",
     "peer access has not been enabled"},
    {cudaErrorLaunchOutOfResources, "cudaErrorLaunchOutOfResources",
     "too many resources requested for launch"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};
const ErrorRow& row_of(cudaError_t e) {
  for (const ErrorRow& row : kErrors)
    if (row.error == e) return row;
  return kErrors[std::size(kErrors) - 1];
}

// What cudaDeviceGetAttribute knows. Everything else is 0: absent.
int attribute(const Device& d, cudaDeviceAttr a) {
  switch (a) {
    case cudaDevAttrMaxThreadsPerBlock:
      return int(kMaxThreads);
    case cudaDevAttrMaxBlockDimX:
    case cudaDevAttrMaxBlockDimY:
      return 1024;
    case cudaDevAttrMaxBlockDimZ:
      return 64;
    case cudaDevAttrMaxGridDimX:
      return 2147483647;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ:
      return 65535;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      return int(kSharedDefault);
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return int(d.shared_per_block);
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      return int(d.shared_per_sm);
    case cudaDevAttrReservedSharedMemoryPerBlock:
      return int(kSharedReserved);
    case cudaDevAttrTotalConstantMemory:
      return 65536;
    case cudaDevAttrWarpSize:
      return 32;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      return 65536;
    case cudaDevAttrClockRate:
      return d.clock_khz;
    case cudaDevAttrMultiProcessorCount:
      return d.sms;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      return d.threads_per_sm;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      return d.blocks_per_sm;
    case cudaDevAttrL2CacheSize:
      return int(d.l2);
    case cudaDevAttrGlobalMemoryBusWidth:
      return d.memory_bus;
    case cudaDevAttrComputeCapabilityMajor:
      return d.major;
    case cudaDevAttrComputeCapabilityMinor:
      return d.minor;
    case cudaDevAttrAsyncEngineCount:
      return 2;
    case cudaDevAttrClusterLaunch:
      return d.max_cluster > 1;
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrConcurrentManagedAccess:
    case cudaDevAttrCooperativeLaunch:
    case cudaDevAttrCanMapHostMemory:
    case cudaDevAttrStreamPrioritiesSupported:
    case cudaDevAttrGlobalL1CacheSupported:
    case cudaDevAttrLocalL1CacheSupported:
    case cudaDevAttrMemoryPoolsSupported:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  return *count = Runtime::get().options.devices, cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) { return *device = current_device(), cudaSuccess; }
cudaError_t cudaSetDevice(int device) {
  PTXRUN_ENTER;
  if (!rt.has(device)) return rt.fail(cudaErrorInvalidDevice);
  current_device() = device;
  return cudaSuccess;
}
cudaError_t cudaSetDeviceFlags(unsigned) { return cudaSuccess; }
cudaError_t cudaDeviceReset() {
  PTXRUN_ENTER;
  rt.streams.finish_all(current_device());
  return rt.sticky;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr a, int device) {
  PTXRUN_ENTER;
  if (!rt.has(device)) return rt.fail(cudaErrorInvalidDevice);
  *value = attribute(*rt.device, a);
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  PTXRUN_ENTER;
  if (!rt.has(device)) return rt.fail(cudaErrorInvalidDevice);
  const Device& d = *rt.device;
  *p = {};
  std::snprintf(p->name, sizeof p->name, "ptxrun %.*s (limits of %.*s)", int(d.name.size()),
                d.name.data(), int(d.model.size()), d.model.data());
  p->totalGlobalMem = d.memory, p->totalConstMem = 65536;
  p->sharedMemPerBlock = kSharedDefault, p->sharedMemPerBlockOptin = d.shared_per_block;
  p->sharedMemPerMultiprocessor = d.shared_per_sm, p->reservedSharedMemPerBlock = kSharedReserved;
  p->regsPerBlock = p->regsPerMultiprocessor = 65536, p->warpSize = 32;
  p->maxThreadsPerBlock = int(kMaxThreads), p->maxThreadsPerMultiProcessor = d.threads_per_sm;
  p->maxBlocksPerMultiProcessor = d.blocks_per_sm;
  p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024, p->maxThreadsDim[2] = 64;
  p->maxGridSize[0] = 2147483647, p->maxGridSize[1] = p->maxGridSize[2] = 65535;
  p->major = d.major, p->minor = d.minor, p->multiProcessorCount = d.sms;
  p->l2CacheSize = int(d.l2), p->memoryBusWidth = d.memory_bus;
  p->concurrentKernels = p->unifiedAddressing = p->managedMemory = p->cooperativeLaunch = 1;
  p->canMapHostMemory = p->concurrentManagedAccess = p->streamPrioritiesSupported = 1;
  p->asyncEngineCount = 2;
  p->clusterLaunch = d.max_cluster > 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetLimit(size_t* value, cudaLimit limit) {
  *value = limit == cudaLimitStackSize ? 1024 : limit == cudaLimitPrintfFifoSize ? 1 << 20 : 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceSetLimit(cudaLimit, size_t) { return cudaSuccess; }
cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache) { return cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaProfilerStart() { return cudaSuccess; }
cudaError_t cudaProfilerStop() { return cudaSuccess; }

cudaError_t cudaGetLastError() {
  Runtime& rt = Runtime::get();
  const std::lock_guard<std::recursive_mutex> lock(rt.mutex);
  const cudaError_t e = rt.sticky != cudaSuccess ? rt.sticky : rt.last_error;
  rt.last_error = cudaSuccess;
  return e;
}
cudaError_t cudaPeekAtLastError() {
  Runtime& rt = Runtime::get();
  const std::lock_guard<std::recursive_mutex> lock(rt.mutex);
  return rt.sticky != cudaSuccess ? rt.sticky : rt.last_error;
}
const char* cudaGetErrorName(cudaError_t e) { return row_of(e).name; }
const char* cudaGetErrorString(cudaError_t e) { return row_of(e).text; }

}  // extern "C"
