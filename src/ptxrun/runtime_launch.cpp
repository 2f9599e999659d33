// Entry points: registration, launches, properties of kernels.
#include "runtime.h"

#include <cstring>

#include "registers.h"

using namespace ptxrun;

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
  struct Wrapper {
    int magic, version;
    const uint8_t* data;
    void* file;
  };
  Runtime& rt = Runtime::get();
  return reinterpret_cast<void**>(rt.add_module(static_cast<const Wrapper*>(wrapper)->data));
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
// Host code calls this before it touches a managed variable.
char __cudaInitModule(void** handle) {
  Runtime::get().load(*reinterpret_cast<LoadedModule*>(handle));
  return 1;
}

void __cudaRegisterFunction(void** handle, const char* host, char*, const char* name, int, uint3*,
                            uint3*, dim3*, dim3*, int*) {
  Runtime::get().kernels[host] = {reinterpret_cast<LoadedModule*>(handle), name};
}
void __cudaRegisterVar(void** handle, char* host, char*, const char* name, int, size_t, int, int) {
  Runtime::get().variables[host] = {reinterpret_cast<LoadedModule*>(handle), name};
}
// Managed variables are read through the host's pointer without a call: it must be good at once.
void __cudaRegisterManagedVar(void** handle, void** host, char*, const char* name, int, size_t, int,
                              int) {
  Runtime::get().variables[host] = {reinterpret_cast<LoadedModule*>(handle), name, host};
}
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
  *kernel = reinterpret_cast<cudaKernel_t>(const_cast<void*>(function));
  return cudaSuccess;
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, void* stream) {
  Runtime::get().configurations.push_back({grid, block, shared, static_cast<cudaStream_t>(stream)});
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared, void* stream) {
  auto& stack = Runtime::get().configurations;
  if (stack.empty()) return cudaErrorMissingConfiguration;
  *grid = stack.back().grid, *block = stack.back().block, *shared = stack.back().shared;
  *static_cast<cudaStream_t*>(stream) = stack.back().stream;
  stack.pop_back();
  return cudaSuccess;
}

cudaError_t cudaLaunchKernel(const void* f, dim3 grid, dim3 block, void** args, size_t shared,
                             cudaStream_t stream) {
  PTXRUN_ENTER;
  return rt.launch({f, grid, block, shared, stream}, args);
}
cudaError_t __cudaLaunchKernel(cudaKernel_t k, dim3 grid, dim3 block, void** args, size_t shared,
                               cudaStream_t stream) {
  return cudaLaunchKernel(reinterpret_cast<const void*>(k), grid, block, args, shared, stream);
}
cudaError_t cudaLaunchCooperativeKernel(const void* f, dim3 grid, dim3 block, void** args,
                                        size_t shared, cudaStream_t stream) {
  PTXRUN_ENTER;
  return rt.launch({f, grid, block, shared, stream, true}, args);
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* c, const void* f, void** args) {
  PTXRUN_ENTER;
  LaunchRequest r{f, c->gridDim, c->blockDim, c->dynamicSmemBytes, c->stream};
  for (unsigned i = 0; i < c->numAttrs; ++i) {
    const cudaLaunchAttribute& a = c->attrs[i];
    switch (a.id) {
      case cudaLaunchAttributeCooperative:
        r.cooperative = a.val.cooperative != 0;
        break;
      // Hints, or freedoms that an executor which keeps stream order need not take.
      case cudaLaunchAttributeIgnore:
      case cudaLaunchAttributePriority:
      case cudaLaunchAttributeProgrammaticStreamSerialization:
      case cudaLaunchAttributeMemSyncDomain:
      case cudaLaunchAttributeMemSyncDomainMap:
      case cudaLaunchAttributePreferredSharedMemoryCarveout:
      case cudaLaunchAttributeClusterSchedulingPolicyPreference:
      case cudaLaunchAttributePreferredClusterDimension:
        break;
      case cudaLaunchAttributeClusterDimension:
        r.cluster = {a.val.clusterDim.x, a.val.clusterDim.y, a.val.clusterDim.z};
        if (r.cluster.x == 0 || r.cluster.y == 0 || r.cluster.z == 0)
          return rt.fail(cudaErrorInvalidClusterSize);
        break;
      default:
        return rt.refuse(cudaErrorNotSupported,
                         "a launch attribute with number " + std::to_string(int(a.id)));
    }
  }
  return rt.launch(r, args);
}
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t f, void* data) {
  PTXRUN_ENTER;
  rt.streams.push(stream_of(stream), [f, data] { f(data); });
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* f) {
  PTXRUN_ENTER;
  RegisteredKernel* r;
  Kernel* k;
  if (cudaError_t e = rt.kernel(f, r, k); e != cudaSuccess) return e;
  *attributes = {};
  attributes->sharedSizeBytes = k->static_shared;
  attributes->localSizeBytes = k->local_bytes;
  const auto& limit = k->function->max_threads;
  attributes->maxThreadsPerBlock =
      limit[0] ? int(limit[0] * limit[1] * limit[2]) : int(kMaxThreads);
  attributes->numRegs = int(registers_of(*k));
  for (int& most = attributes->maxThreadsPerBlock; !rt.fits_registers(*k, uint64_t(most));)
    most -= most % kLanes ? most % kLanes : kLanes;
  attributes->ptxVersion = rt.device->sm(), attributes->binaryVersion = rt.device->sm();
  attributes->maxDynamicSharedSizeBytes = int(r->here().dynamic_limit);
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void* f, cudaFuncAttribute attribute, int value) {
  PTXRUN_ENTER;
  RegisteredKernel* r;
  Kernel* k;
  if (cudaError_t e = rt.kernel(f, r, k); e != cudaSuccess) return e;
  if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) return cudaSuccess;
  if (attribute == cudaFuncAttributeNonPortableClusterSizeAllowed) {
    r->here().large_clusters = value != 0;
    return cudaSuccess;
  }
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize)
    return rt.fail(cudaErrorInvalidValue);
  if (value < 0 || uint32_t(value) + k->static_shared > rt.device->shared_per_block)
    return rt.fail(cudaErrorInvalidValue);
  r->here().dynamic_limit = uint32_t(value), r->here().asked_more = true;
  return cudaSuccess;
}
cudaError_t cudaFuncSetCacheConfig(const void*, cudaFuncCache) { return cudaSuccess; }
cudaError_t cudaFuncGetName(const char** name, const void* f) {
  PTXRUN_ENTER;
  auto it = rt.kernels.find(f);
  if (it == rt.kernels.end()) return rt.fail(cudaErrorInvalidDeviceFunction);
  *name = it->second.name.c_str();
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* f,
                                                                   int threads, size_t shared,
                                                                   unsigned) {
  PTXRUN_ENTER;
  RegisteredKernel* r;
  Kernel* k;
  if (cudaError_t e = rt.kernel(f, r, k); e != cudaSuccess) return e;
  *blocks = rt.occupancy(*k, threads, shared);
  return cudaSuccess;
}
// Clusters are placed in groups of multiprocessors; how many there are is each chip's own, so these
// count multiprocessors alone.
cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, const void* f,
                                           const cudaLaunchConfig_t* c) {
  PTXRUN_ENTER;
  RegisteredKernel* r;
  Kernel* k;
  if (cudaError_t e = rt.kernel(f, r, k); e != cudaSuccess) return e;
  LaunchRequest request{f, c->gridDim, c->blockDim};
  for (unsigned i = 0; i < c->numAttrs; ++i)
    if (c->attrs[i].id == cudaLaunchAttributeClusterDimension)
      request.cluster = {c->attrs[i].val.clusterDim.x, c->attrs[i].val.clusterDim.y,
                         c->attrs[i].val.clusterDim.z};
  Dim3 cluster;
  if (cudaError_t e = rt.cluster_of(request, *r, *k, cluster); e != cudaSuccess) return rt.fail(e);
  const int threads = int(c->blockDim.x * c->blockDim.y * c->blockDim.z);
  *clusters =
      rt.occupancy(*k, threads, c->dynamicSmemBytes) * rt.device->sms / int(cluster.count());
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxPotentialClusterSize(int* size, const void* f,
                                                 const cudaLaunchConfig_t*) {
  PTXRUN_ENTER;
  RegisteredKernel* r;
  Kernel* k;
  if (cudaError_t e = rt.kernel(f, r, k); e != cudaSuccess) return e;
  *size = r->here().large_clusters && rt.device->sm() < 120 ? 2 * rt.device->max_cluster
                                                            : rt.device->max_cluster;
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* f, int threads,
                                                          size_t shared) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, f, threads, shared, 0);
}

}  // extern "C"
