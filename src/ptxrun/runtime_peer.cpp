// Entry points: devices that reach each other's memory, and copies between them.
#include "runtime.h"

using namespace ptxrun;

namespace {

// Bytes that are memory of that device: its own, managed or pinned.
bool is_on(Runtime& rt, const void* p, size_t bytes, int device) {
  const Allocation* a = rt.memory.find(reinterpret_cast<uint64_t>(p), bytes);
  return !a || a->device == device || a->kind == Allocation::Kind::managed ||
         a->kind == Allocation::Kind::pinned;
}

// The checks of both copies between devices; what is no allocation is left to the copy itself.
cudaError_t check_copy(Runtime& rt, const void* to, int to_device, const void* from,
                       int from_device, size_t bytes) {
  if (!rt.has(to_device) || !rt.has(from_device)) return cudaErrorInvalidDevice;
  return is_on(rt, to, bytes, to_device) && is_on(rt, from, bytes, from_device)
             ? cudaSuccess
             : cudaErrorInvalidValue;
}

}  // namespace

extern "C" {

// All devices are of one kind and connected, so each may reach every other.
cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  PTXRUN_ENTER;
  if (!can) return rt.fail(cudaErrorInvalidValue);
  if (!rt.has(device) || !rt.has(peer)) return rt.fail(cudaErrorInvalidDevice);
  *can = device != peer;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetP2PAttribute(int* value, cudaDeviceP2PAttr attribute, int device,
                                      int peer) {
  PTXRUN_ENTER;
  if (!value) return rt.fail(cudaErrorInvalidValue);
  if (!rt.has(device) || !rt.has(peer) || device == peer) return rt.fail(cudaErrorInvalidDevice);
  *value = attribute == cudaDevP2PAttrAccessSupported ||
           attribute == cudaDevP2PAttrNativeAtomicSupported;
  return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags) {
  PTXRUN_ENTER;
  if (flags) return rt.fail(cudaErrorInvalidValue);
  if (!rt.has(peer) || peer == current_device()) return rt.fail(cudaErrorInvalidDevice);
  if (rt.memory.has_peer(current_device(), peer)) return rt.fail(cudaErrorPeerAccessAlreadyEnabled);
  rt.memory.set_peer(current_device(), peer, true);
  return cudaSuccess;
}
// Work that was issued while the access was there has had it.
cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  PTXRUN_ENTER;
  if (!rt.has(peer)) return rt.fail(cudaErrorInvalidDevice);
  if (!rt.memory.has_peer(current_device(), peer)) return rt.fail(cudaErrorPeerAccessNotEnabled);
  rt.streams.finish_all(current_device());
  rt.memory.set_peer(current_device(), peer, false);
  return rt.sticky;
}

cudaError_t cudaMemcpyPeerAsync(void* to, int to_device, const void* from, int from_device,
                                size_t bytes, cudaStream_t stream) {
  PTXRUN_ENTER;
  if (cudaError_t e = check_copy(rt, to, to_device, from, from_device, bytes); e != cudaSuccess)
    return rt.fail(e);
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}
// In order with all work of both devices and the current one: before it is done, nothing else is
// begun.
cudaError_t cudaMemcpyPeer(void* to, int to_device, const void* from, int from_device,
                           size_t bytes) {
  PTXRUN_ENTER;
  if (cudaError_t e = check_copy(rt, to, to_device, from, from_device, bytes); e != cudaSuccess)
    return rt.fail(e);
  for (int d : {to_device, from_device, current_device()}) rt.streams.finish_all(d);
  return cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToDevice);
}

}  // extern "C"
