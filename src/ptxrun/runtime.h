// What stands behind the entry points of the CUDA runtime: virtual devices of one kind, one
// process.
#pragma once
#include <cuda_runtime_api.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "bind.h"
#include "device.h"
#include "fatbin.h"
#include "memory.h"
#include "options.h"
#include "report.h"
#include "stream.h"

namespace ptxrun {

// A fat binary the program registered. It is read when something of it is first used, as CUDA's
// lazy loading does.
struct LoadedModule {
  const uint8_t* data = nullptr;
  bool loaded = false;
  cudaError_t error = cudaSuccess;
  std::unique_ptr<Module> ptx;
  // Each device has variables of its own, and kernels that know where these are.
  struct OnDevice {
    bool placed = false;
    Symbols symbols;
    std::map<std::string, std::unique_ptr<Kernel>> kernels;
  };
  std::array<OnDevice, kMaxDevices> on;
};

struct RegisteredKernel {
  LoadedModule* module = nullptr;
  std::string name;
  struct Settings {                           // each device's own
    uint32_t dynamic_limit = kSharedDefault;  // cudaFuncAttributeMaxDynamicSharedMemorySize
    bool asked_more = false;
    bool large_clusters = false;  // cudaFuncAttributeNonPortableClusterSizeAllowed
  };
  std::array<Settings, kMaxDevices> on{};
  Settings& here() { return on[size_t(current_device())]; }
  const Settings& here() const { return on[size_t(current_device())]; }
};
struct RegisteredVariable {
  LoadedModule* module = nullptr;
  std::string name;
  void** managed = nullptr;  // the host's pointer, to be filled in
};

struct LaunchRequest {
  const void* function = nullptr;
  dim3 grid, block;
  size_t dynamic_shared = 0;
  cudaStream_t stream = nullptr;
  bool cooperative = false;
  dim3 cluster = {0, 0, 0};  // 0: as the kernel was compiled, else without
};

class Runtime {
 public:
  static Runtime& get();

  // Modules.
  LoadedModule* add_module(const uint8_t* data);
  cudaError_t load(LoadedModule& module);
  cudaError_t kernel(const void* function, RegisteredKernel*& registered, Kernel*& kernel);
  cudaError_t variable(const void* symbol, uint64_t& address, uint64_t& bytes);
  std::map<const void*, RegisteredKernel> kernels;
  std::map<const void*, RegisteredVariable> variables;

  bool has(int number) const { return number >= 0 && number < options.devices; }

  // Work.
  cudaError_t launch(const LaunchRequest& request, void** args);
  // The cluster of a launch, or an error.
  cudaError_t cluster_of(const LaunchRequest& request, const RegisteredKernel& registered,
                         const Kernel& kernel, Dim3& cluster) const;
  bool fits_registers(const Kernel& kernel, uint64_t threads) const;
  int occupancy(const Kernel& kernel, int threads, size_t dynamic_shared) const;

  // Errors, each thread's own. A sticky one, left by a faulting kernel, is returned by every later
  // call.
  cudaError_t fail(cudaError_t error) {
    if (error != cudaSuccess) last_error = error;
    return error;
  }
  cudaError_t refuse(cudaError_t error, const std::string& sentence);
  static inline thread_local cudaError_t last_error = cudaSuccess;
  cudaError_t sticky = cudaSuccess;

  std::recursive_mutex mutex;
  const Options options;
  Report report{options};
  Memory memory{options.devices};
  Streams streams{options};
  const Device* device = nullptr;
  uint64_t launches = 0, steps = 0;
  struct Configuration {
    dim3 grid, block;
    size_t shared;
    cudaStream_t stream;
  };
  static inline thread_local std::vector<Configuration> configurations;

 private:
  Runtime();
  void place_variables(LoadedModule& module, int device);
  void run(const Launch& request);
  std::vector<std::unique_ptr<LoadedModule>> modules_;
};

inline Stream* stream_of(cudaStream_t s) {
  return s == cudaStreamLegacy || s == cudaStreamPerThread ? nullptr : reinterpret_cast<Stream*>(s);
}

}  // namespace ptxrun

// Every entry point: one at a time, nothing after a sticky error.
#define PTXRUN_ENTER                                          \
  ptxrun::Runtime& rt = ptxrun::Runtime::get();               \
  const std::lock_guard<std::recursive_mutex> lock(rt.mutex); \
  if (rt.sticky != cudaSuccess) return rt.sticky
