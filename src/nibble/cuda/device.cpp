#include "nibble/cuda/device.h"

#include <cuda_runtime_api.h>

#include "nibble/cuda/error.h"

namespace nibble::cuda {

Status status_of(int code, std::string_view doing) {
  if (code == cudaSuccess) return {};
  const auto error = cudaError_t(code);
  cudaGetLastError();  // told once: not again as an error of the next launch
  return Status::error(std::string(doing) + ": " + cudaGetErrorName(error) + " (" +
                       cudaGetErrorString(error) + ")");
}

Status take_launch_error(std::string_view doing) { return status_of(cudaGetLastError(), doing); }

int device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();  // no driver is no error of a later launch
    return 0;
  }
  return count;
}

Status add_device(Machine& m, int device) {
  cudaDeviceProp p{};
  if (Status s = status_of(cudaGetDeviceProperties(&p, device), "asking for the GPU"); !s.ok())
    return s;
  m.gpu_model = p.name;
  m.sm_count = p.multiProcessorCount;
  m.smem_bytes = int64_t(p.sharedMemPerBlockOptin);
  m.isas = m.isas | isas_of(p.major, p.minor);
  return {};
}

bool is_virtual(const Machine& m) { return m.gpu_model.starts_with("ptxrun "); }

}  // namespace nibble::cuda
