#include "nibble/cuda/stream.h"

#include <cuda_runtime_api.h>

#include "nibble/cuda/error.h"

namespace nibble::cuda {
namespace {

cudaStream_t as_stream(void* p) { return static_cast<cudaStream_t>(p); }

}  // namespace

void destroy_stream(void* p) { cudaStreamDestroy(as_stream(p)); }
void destroy_event(void* p) { cudaEventDestroy(static_cast<cudaEvent_t>(p)); }
void destroy_graph(void* p) { cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(p)); }

Status Stream::create() {
  cudaStream_t s = nullptr;
  const int code = cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking);
  if (code == cudaSuccess) handle_.reset(s);
  return status_of(code, "creating a stream");
}

Status Event::create() {
  cudaEvent_t e = nullptr;
  const int code = cudaEventCreate(&e);
  if (code == cudaSuccess) handle_.reset(e);
  return status_of(code, "creating an event");
}

Status Event::record(void* stream) {
  return status_of(cudaEventRecord(static_cast<cudaEvent_t>(handle_.get()), as_stream(stream)),
                   "recording an event");
}

Status Event::between(const Event& first, const Event& last, float& ms) {
  const auto a = static_cast<cudaEvent_t>(first.handle_.get());
  const auto b = static_cast<cudaEvent_t>(last.handle_.get());
  if (Status s = status_of(cudaEventSynchronize(b), "waiting for an event"); !s.ok()) return s;
  return status_of(cudaEventElapsedTime(&ms, a, b), "timing");
}

Status Graph::begin(void* stream) {
  return status_of(cudaStreamBeginCapture(as_stream(stream), cudaStreamCaptureModeThreadLocal),
                   "beginning to capture a graph");
}

Status Graph::end(void* stream) {
  cudaGraph_t graph = nullptr;
  Status s = status_of(cudaStreamEndCapture(as_stream(stream), &graph), "capturing a graph");
  if (!s.ok()) return s;
  cudaGraphExec_t executable = nullptr;
  s = status_of(cudaGraphInstantiate(&executable, graph, 0), "instantiating a graph");
  cudaGraphDestroy(graph);
  if (s.ok()) executable_.reset(executable);
  return s;
}

Status Graph::launch(void* stream) const {
  return status_of(
      cudaGraphLaunch(static_cast<cudaGraphExec_t>(executable_.get()), as_stream(stream)),
      "launching a graph");
}

}  // namespace nibble::cuda
