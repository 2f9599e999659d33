// Entry points: streams, events, waiting.
#include "runtime.h"

using namespace ptxrun;

namespace {
Event* event_of(cudaEvent_t e) { return reinterpret_cast<Event*>(e); }
}  // namespace

extern "C" {

cudaError_t cudaDeviceSynchronize() {
  PTXRUN_ENTER;
  if (rt.streams.captures()) return rt.fail(cudaErrorStreamCaptureUnsupported);
  rt.streams.finish_all(current_device());
  return rt.sticky;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  PTXRUN_ENTER;
  if (flags > cudaStreamNonBlocking) return rt.fail(cudaErrorInvalidValue);
  *stream = reinterpret_cast<cudaStream_t>(rt.streams.create(flags != cudaStreamNonBlocking));
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithPriority(stream, 0, 0);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  PTXRUN_ENTER;
  return rt.streams.destroy(stream_of(stream)) ? rt.sticky
                                               : rt.fail(cudaErrorInvalidResourceHandle);
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  PTXRUN_ENTER;
  if (!rt.streams.exists(stream_of(stream))) return rt.fail(cudaErrorInvalidResourceHandle);
  if (stream_of(stream) && stream_of(stream)->capture)
    return rt.fail(cudaErrorStreamCaptureUnsupported);
  rt.streams.finish(stream_of(stream));
  return rt.sticky;
}
// A query makes progress: a program may poll until the work is done.
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  PTXRUN_ENTER;
  if (!rt.streams.exists(stream_of(stream))) return rt.fail(cudaErrorInvalidResourceHandle);
  if (stream_of(stream) && stream_of(stream)->capture)
    return rt.fail(cudaErrorStreamCaptureUnsupported);
  const bool done = rt.streams.is_done(stream_of(stream));
  rt.streams.finish(stream_of(stream));
  return done ? rt.sticky : cudaErrorNotReady;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  PTXRUN_ENTER;
  if (!rt.streams.exists(stream_of(stream)) || !rt.streams.exists(event_of(event)))
    return rt.fail(cudaErrorInvalidResourceHandle);
  if (Stream* const st = stream_of(stream); (st && st->capture) || event_of(event)->capture) {
    if (st && rt.streams.wait_captured(st, event_of(event))) return cudaSuccess;
    return rt.fail(cudaErrorStreamCaptureIsolation);
  }
  rt.streams.wait_for(stream_of(stream), event_of(event)->task);
  return cudaSuccess;
}
cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t f, void* data,
                                  unsigned) {
  PTXRUN_ENTER;
  rt.streams.push(stream_of(stream), [=, &rt] { f(stream, rt.sticky, data); });
  return cudaSuccess;
}
cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned* flags) {
  PTXRUN_ENTER;
  if (!rt.streams.exists(stream_of(stream))) return rt.fail(cudaErrorInvalidResourceHandle);
  *flags =
      !stream_of(stream) || stream_of(stream)->blocking ? cudaStreamDefault : cudaStreamNonBlocking;
  return cudaSuccess;
}
cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  PTXRUN_ENTER;
  if (!rt.streams.exists(stream_of(stream))) return rt.fail(cudaErrorInvalidResourceHandle);
  *device = device_of(stream_of(stream));
  return cudaSuccess;
}
cudaError_t cudaStreamGetPriority(cudaStream_t, int* priority) {
  *priority = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  if (least) *least = 0;
  if (greatest) *greatest = 0;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  PTXRUN_ENTER;
  *event =
      reinterpret_cast<cudaEvent_t>(rt.streams.create_event(!(flags & cudaEventDisableTiming)));
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  PTXRUN_ENTER;
  return rt.streams.destroy_event(event_of(event)) ? cudaSuccess
                                                   : rt.fail(cudaErrorInvalidResourceHandle);
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  PTXRUN_ENTER;
  Event* e = event_of(event);
  if (!rt.streams.exists(stream_of(stream)) || !rt.streams.exists(e))
    return rt.fail(cudaErrorInvalidResourceHandle);
  if (e->device != device_of(stream_of(stream))) return rt.fail(cudaErrorInvalidResourceHandle);
  if (Stream* const st = stream_of(stream); st && st->capture) {
    rt.streams.record_captured(st, e);
    return cudaSuccess;
  }
  if (!stream_of(stream) && rt.streams.captures_here())
    return rt.fail(cudaErrorStreamCaptureImplicit);
  e->capture = nullptr;
  e->task = rt.streams.push(stream_of(stream), [&rt, e] {
    if (rt.streams.exists(e)) e->time = rt.steps;
  });
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cudaEventRecordWithFlags(event, stream, 0);
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  PTXRUN_ENTER;
  if (!rt.streams.exists(event_of(event))) return rt.fail(cudaErrorInvalidResourceHandle);
  rt.streams.finish(event_of(event)->task);
  return rt.sticky;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  PTXRUN_ENTER;
  if (!rt.streams.exists(event_of(event))) return rt.fail(cudaErrorInvalidResourceHandle);
  const auto& task = event_of(event)->task;
  const bool done = !task || task->done;
  rt.streams.finish(task);
  return done ? rt.sticky : cudaErrorNotReady;
}
// Time here is warp instructions, a thousand to a microsecond: an order, not a measurement.
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
  PTXRUN_ENTER;
  for (Event* e : {event_of(begin), event_of(end)}) {
    if (!rt.streams.exists(e) || !e->task || !e->timed)
      return rt.fail(cudaErrorInvalidResourceHandle);
    if (!e->task->done) return rt.fail(cudaErrorNotReady);
  }
  if (event_of(begin)->device != event_of(end)->device)
    return rt.fail(cudaErrorInvalidResourceHandle);
  *ms = float(double(event_of(end)->time - event_of(begin)->time) * 1e-6);
  return cudaSuccess;
}

}  // extern "C"
