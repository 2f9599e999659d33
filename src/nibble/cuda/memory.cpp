#include "nibble/cuda/memory.h"

#include <cuda_runtime_api.h>

#include <string>

#include "nibble/cuda/error.h"

namespace nibble::cuda {

Status Memory::allocate(size_t bytes) {
  release();
  void* p = nullptr;
  const int code = cudaMalloc(&p, bytes);
  if (Status s = status_of(code, "allocating " + std::to_string(bytes) + " bytes"); !s.ok())
    return s;
  data_ = static_cast<std::byte*>(p), bytes_ = bytes;
  return {};
}

void Memory::release() {
  if (data_) cudaFree(data_);
  data_ = nullptr, bytes_ = 0;
}

Status copy(void* to, const void* from, size_t bytes, void* stream) {
  return status_of(
      cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, static_cast<cudaStream_t>(stream)),
      "copying");
}

Status fill(void* to, std::byte value, size_t bytes, void* stream) {
  return status_of(cudaMemsetAsync(to, int(value), bytes, static_cast<cudaStream_t>(stream)),
                   "filling");
}

Status synchronize(void* stream) {
  if (Status s = take_launch_error("launching"); !s.ok()) return s;
  return status_of(cudaStreamSynchronize(static_cast<cudaStream_t>(stream)), "running");
}

}  // namespace nibble::cuda
