// Kernel launches with attributes: clusters, cooperative grids, and launches that begin while the
// kernel before them ends (programmatic dependent launch).
#pragma once
#include <cuda_runtime.h>

#include <cstddef>

#include "nibble/base/op.h"

namespace nibble::cuda {

struct Launch {
  dim3 grid = 1, block = 1;
  size_t smem_bytes = 0;           // dynamic; more than 48 KiB is asked for here
  int cluster = 1;                 // blocks along x that share their memory
  bool cooperative = false;        // all blocks are resident
  bool overlaps_previous = false;  // the kernel waits itself, with ptx::wait_for_previous()
};

// Of the current device; 1 if it does not say.
inline int multiprocessors() {
  int device = 0, count = 1;
  if (cudaGetDevice(&device) == cudaSuccess)
    cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device);
  return count;
}

// An error is CUDA's last one: cuda::synchronize() and take_launch_error() give it to those who can
// do something about it.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), const Launch& l, const Exec& e, Arguments&&... a) {
  if (l.smem_bytes > 48 * 1024 &&
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                           int(l.smem_bytes)) != cudaSuccess)
    return;
  cudaLaunchAttribute attributes[3] = {};
  cudaLaunchConfig_t config = {};
  config.gridDim = l.grid, config.blockDim = l.block;
  config.dynamicSmemBytes = l.smem_bytes;
  config.stream = static_cast<cudaStream_t>(e.stream);
  config.attrs = attributes;
  const auto add = [&](cudaLaunchAttributeID id) -> cudaLaunchAttributeValue& {
    attributes[config.numAttrs].id = id;
    return attributes[config.numAttrs++].val;
  };
  if (l.cluster > 1) {
    auto& size = add(cudaLaunchAttributeClusterDimension).clusterDim;
    size.x = unsigned(l.cluster), size.y = size.z = 1;
  }
  if (l.cooperative) add(cudaLaunchAttributeCooperative).cooperative = 1;
  if (l.overlaps_previous)
    add(cudaLaunchAttributeProgrammaticStreamSerialization).programmaticStreamSerializationAllowed =
        1;
  cudaLaunchKernelEx(&config, kernel, Parameters(a)...);
}

}  // namespace nibble::cuda
