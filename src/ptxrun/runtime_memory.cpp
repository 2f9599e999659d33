// Entry points: memory.
#include "runtime.h"

#include <cstring>
#include <optional>

#include "access.h"

using namespace ptxrun;

namespace {

// One side of a copy: host memory, or a checked place in device memory.
std::optional<uint8_t*> place(Runtime& rt, const void* p, size_t bytes, bool must_be_device) {
  const uint64_t at = reinterpret_cast<uint64_t>(p);
  if (const Allocation* a = rt.memory.find(at, bytes)) return a->data + (at - a->base);
  if (rt.memory.is_reserved(at)) {
    rt.report.add({.kind = FaultKind::out_of_bounds,
                   .what = "a copy or fill of " + std::to_string(bytes) + " bytes by the host: " +
                           rt.memory.describe(at + (bytes ? bytes - 1 : 0))});
    return std::nullopt;
  }
  if (must_be_device) return std::nullopt;
  return static_cast<uint8_t*>(const_cast<void*>(p));
}
bool on_device(Runtime& rt, const void* p) {
  const Allocation* a = rt.memory.find(reinterpret_cast<uint64_t>(p), 1);
  return a && (a->kind == Allocation::Kind::device || a->kind == Allocation::Kind::variable);
}
bool pageable(Runtime& rt, const void* p) {
  return !rt.memory.is_reserved(reinterpret_cast<uint64_t>(p));
}

struct Shape {
  size_t to_pitch, from_pitch, width, height;
  size_t to_bytes() const { return height ? (height - 1) * to_pitch + width : 0; }
  size_t from_bytes() const { return height ? (height - 1) * from_pitch + width : 0; }
};
void copy_rows(uint8_t* to, const uint8_t* from, const Shape& s) {
  for (size_t y = 0; y < s.height; ++y)
    std::memmove(to + y * s.to_pitch, from + y * s.from_pitch, s.width);
}

cudaError_t copy(void* to, const void* from, Shape s, cudaMemcpyKind kind, cudaStream_t stream,
                 bool waits) {
  PTXRUN_ENTER;
  if (!rt.streams.exists(stream_of(stream))) return rt.fail(cudaErrorInvalidResourceHandle);
  if (!stream_of(stream) && rt.streams.captures_here())
    return rt.fail(cudaErrorStreamCaptureImplicit);
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault)
    return rt.fail(cudaErrorInvalidMemcpyDirection);
  if (s.width == 0 || s.height == 0) return cudaSuccess;
  if (s.to_pitch < s.width || s.from_pitch < s.width) return rt.fail(cudaErrorInvalidPitchValue);
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const auto t = place(rt, to, s.to_bytes(), to_device),
             f = place(rt, from, s.from_bytes(), from_device);
  if (!t || !f) return rt.fail(cudaErrorInvalidValue);
  if ((kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyHostToHost) && on_device(rt, to))
    return rt.fail(cudaErrorInvalidValue);
  if ((kind == cudaMemcpyHostToDevice || kind == cudaMemcpyHostToHost) && on_device(rt, from))
    return rt.fail(cudaErrorInvalidValue);
  const bool captured = stream_of(stream) && stream_of(stream)->capture;
  if (pageable(rt, from) && !waits && !captured) {
    // Pageable sources are staged before the call returns.
    auto staged = std::make_shared<std::vector<uint8_t>>(*f, *f + s.from_bytes());
    rt.streams.push(stream_of(stream), [=] { copy_rows(*t, staged->data(), s); });
  } else {
    rt.streams.push(stream_of(stream), [=] { copy_rows(*t, *f, s); });
  }
  if ((waits || pageable(rt, to)) && !captured) rt.streams.finish(stream_of(stream));
  return rt.sticky;
}

cudaError_t fill(void* to, int value, size_t pitch, size_t width, size_t height,
                 cudaStream_t stream) {
  PTXRUN_ENTER;
  if (!rt.streams.exists(stream_of(stream))) return rt.fail(cudaErrorInvalidResourceHandle);
  if (!stream_of(stream) && rt.streams.captures_here())
    return rt.fail(cudaErrorStreamCaptureImplicit);
  if (width == 0 || height == 0) return cudaSuccess;
  const auto t = place(rt, to, (height - 1) * pitch + width, true);
  if (!t) return rt.fail(cudaErrorInvalidValue);
  rt.streams.push(stream_of(stream), [=] {
    for (size_t y = 0; y < height; ++y) std::memset(*t + y * pitch, value, width);
  });
  return rt.sticky;
}

cudaError_t allocate(void** p, size_t bytes, Allocation::Kind kind, Stream* stream = nullptr) {
  PTXRUN_ENTER;
  if (!rt.streams.exists(stream)) return rt.fail(cudaErrorInvalidResourceHandle);
  if (rt.streams.captures()) return rt.fail(cudaErrorStreamCaptureUnsupported);
  if (!p) return rt.fail(cudaErrorInvalidValue);
  *p = nullptr;
  if (bytes == 0) return cudaSuccess;
  const Allocation* a = rt.memory.allocate(bytes, kind, {}, device_of(stream));
  if (!a) return rt.fail(cudaErrorMemoryAllocation);
  *p = reinterpret_cast<void*>(a->base);
  return cudaSuccess;
}
cudaError_t release(void* p, Allocation::Kind kind) {
  PTXRUN_ENTER;
  if (rt.streams.captures()) return rt.fail(cudaErrorStreamCaptureUnsupported);
  if (!p) return rt.sticky;
  // cudaFree waits for the device that owns the memory.
  const Allocation* a = rt.memory.find(reinterpret_cast<uint64_t>(p), 0);
  rt.streams.finish_all(a ? a->device : current_device());
  return rt.memory.release(reinterpret_cast<uint64_t>(p), kind) ? rt.sticky
                                                                : rt.fail(cudaErrorInvalidValue);
}
cudaError_t symbol_at(const void* symbol, size_t offset, size_t bytes, void** p) {
  PTXRUN_ENTER;
  uint64_t base, size;
  if (cudaError_t e = rt.variable(symbol, base, size); e != cudaSuccess) return e;
  if (offset + bytes > size) return rt.fail(cudaErrorInvalidValue);
  *p = reinterpret_cast<void*>(base + offset);
  return cudaSuccess;
}
Shape line(size_t bytes) { return {bytes, bytes, bytes, 1}; }

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** p, size_t n) { return allocate(p, n, Allocation::Kind::device); }
cudaError_t cudaMallocManaged(void** p, size_t n, unsigned) {
  return allocate(p, n, Allocation::Kind::managed);
}
cudaError_t cudaMallocHost(void** p, size_t n) { return allocate(p, n, Allocation::Kind::pinned); }
cudaError_t cudaHostAlloc(void** p, size_t n, unsigned) {
  return allocate(p, n, Allocation::Kind::pinned);
}
cudaError_t cudaMallocAsync(void** p, size_t n, cudaStream_t stream) {
  return allocate(p, n, Allocation::Kind::device, stream_of(stream));
}
cudaError_t cudaMallocPitch(void** p, size_t* pitch, size_t width, size_t height) {
  *pitch = (width + 511) / 512 * 512;
  return allocate(p, *pitch * height, Allocation::Kind::device);
}
cudaError_t cudaFree(void* p) { return release(p, Allocation::Kind::device); }
cudaError_t cudaFreeHost(void* p) { return release(p, Allocation::Kind::pinned); }
cudaError_t cudaFreeAsync(void* p, cudaStream_t stream) {
  PTXRUN_ENTER;
  rt.streams.push(stream_of(stream), [&rt, p] {
    rt.memory.release(reinterpret_cast<uint64_t>(p), Allocation::Kind::device);
  });
  return cudaSuccess;
}
cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned) {
  *device = host;
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t n, cudaMemcpyKind kind) {
  return copy(to, from, line(n), kind, nullptr, true);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t n, cudaMemcpyKind kind,
                            cudaStream_t s) {
  return copy(to, from, line(n), kind, s, false);
}
cudaError_t cudaMemcpy2D(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                         size_t width, size_t height, cudaMemcpyKind kind) {
  return copy(to, from, {to_pitch, from_pitch, width, height}, kind, nullptr, true);
}
cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                              size_t width, size_t height, cudaMemcpyKind kind, cudaStream_t s) {
  return copy(to, from, {to_pitch, from_pitch, width, height}, kind, s, false);
}
cudaError_t cudaMemset(void* to, int value, size_t n) { return fill(to, value, n, n, 1, nullptr); }
cudaError_t cudaMemsetAsync(void* to, int value, size_t n, cudaStream_t s) {
  return fill(to, value, n, n, 1, s);
}
cudaError_t cudaMemset2DAsync(void* to, size_t pitch, int value, size_t width, size_t height,
                              cudaStream_t s) {
  return fill(to, value, pitch, width, height, s);
}
cudaError_t cudaMemset2D(void* to, size_t pitch, int value, size_t width, size_t height) {
  return fill(to, value, pitch, width, height, nullptr);
}

cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* from, size_t n, size_t offset,
                                    cudaMemcpyKind kind, cudaStream_t s) {
  void* p;
  if (cudaError_t e = symbol_at(symbol, offset, n, &p); e != cudaSuccess) return e;
  return copy(p, from, line(n), kind, s, false);
}
cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* from, size_t n, size_t offset,
                               cudaMemcpyKind kind) {
  void* p;
  if (cudaError_t e = symbol_at(symbol, offset, n, &p); e != cudaSuccess) return e;
  return copy(p, from, line(n), kind, nullptr, true);
}
cudaError_t cudaMemcpyFromSymbol(void* to, const void* symbol, size_t n, size_t offset,
                                 cudaMemcpyKind kind) {
  void* p;
  if (cudaError_t e = symbol_at(symbol, offset, n, &p); e != cudaSuccess) return e;
  return copy(to, p, line(n), kind, nullptr, true);
}
cudaError_t cudaMemcpyFromSymbolAsync(void* to, const void* symbol, size_t n, size_t offset,
                                      cudaMemcpyKind kind, cudaStream_t s) {
  void* p;
  if (cudaError_t e = symbol_at(symbol, offset, n, &p); e != cudaSuccess) return e;
  return copy(to, p, line(n), kind, s, false);
}
cudaError_t cudaGetSymbolAddress(void** p, const void* symbol) {
  return symbol_at(symbol, 0, 0, p);
}
cudaError_t cudaGetSymbolSize(size_t* bytes, const void* symbol) {
  PTXRUN_ENTER;
  uint64_t base;
  return rt.variable(symbol, base, *bytes);
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  PTXRUN_ENTER;
  *total = rt.memory.capacity, *free = rt.memory.capacity - rt.memory.used(current_device());
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* p) {
  PTXRUN_ENTER;
  *attributes = {};
  const Allocation* a = rt.memory.find(reinterpret_cast<uint64_t>(p), 1);
  void* const same = const_cast<void*>(p);
  if (!a) {
    attributes->type = cudaMemoryTypeUnregistered, attributes->hostPointer = same;
    attributes->device = cudaInvalidDeviceId;
    return cudaSuccess;
  }
  const bool host = a->kind == Allocation::Kind::pinned || a->kind == Allocation::Kind::managed;
  attributes->type = a->kind == Allocation::Kind::pinned    ? cudaMemoryTypeHost
                     : a->kind == Allocation::Kind::managed ? cudaMemoryTypeManaged
                                                            : cudaMemoryTypeDevice;
  attributes->device = a->device;
  attributes->devicePointer = same, attributes->hostPointer = host ? same : nullptr;
  return cudaSuccess;
}

}  // extern "C"
