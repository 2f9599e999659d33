// Entry points: graphs, made by capturing streams.
#include <algorithm>

#include "runtime.h"

using namespace ptxrun;

namespace {
// An instantiated graph keeps its own nodes: the graph may be destroyed first.
Graph* graph_of(void* p) { return static_cast<Graph*>(p); }
}  // namespace

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  PTXRUN_ENTER;
  Stream* const s = stream_of(stream);
  if (!rt.streams.exists(s)) return rt.fail(cudaErrorInvalidResourceHandle);
  if (!s)
    return rt.fail(cudaErrorStreamCaptureUnsupported);  // the legacy stream cannot be captured
  if (s->capture) return rt.fail(cudaErrorIllegalState);
  rt.streams.begin_capture(s);
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  PTXRUN_ENTER;
  Stream* const s = stream_of(stream);
  if (!s || !rt.streams.exists(s)) return rt.fail(cudaErrorInvalidResourceHandle);
  Graph* g;
  const Streams::End end = rt.streams.end_capture(s, g);
  *graph = reinterpret_cast<cudaGraph_t>(g);
  switch (end) {
    case Streams::End::good:
      return cudaSuccess;
    case Streams::End::unjoined:
      return rt.fail(cudaErrorStreamCaptureUnjoined);
    case Streams::End::not_origin:
      return rt.fail(cudaErrorStreamCaptureUnmatched);
    default:
      return rt.fail(cudaErrorIllegalState);
  }
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  PTXRUN_ENTER;
  Stream* const s = stream_of(stream);
  if (!rt.streams.exists(s)) return rt.fail(cudaErrorInvalidResourceHandle);
  *status = s && s->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  PTXRUN_ENTER;
  Graph& g = *graph_of(graph);
  const size_t all = g.nodes.size();
  for (size_t k = 0; nodes && k < *count; ++k)
    nodes[k] = k < all ? reinterpret_cast<cudaGraphNode_t>(g.handle(k)) : nullptr;
  *count = nodes ? std::min(*count, all) : all;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  PTXRUN_ENTER;
  if (!graph) return rt.fail(cudaErrorInvalidValue);
  *exec = reinterpret_cast<cudaGraphExec_t>(new Graph(*graph_of(graph)));
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* exec, cudaGraph_t graph,
                                          unsigned long long flags) {
  return cudaGraphInstantiate(exec, graph, flags);
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  PTXRUN_ENTER;
  if (!exec) return rt.fail(cudaErrorInvalidValue);
  if (!rt.streams.exists(stream_of(stream))) return rt.fail(cudaErrorInvalidResourceHandle);
  if (!stream_of(stream) && rt.streams.captures_here())
    return rt.fail(cudaErrorStreamCaptureImplicit);
  rt.streams.push(stream_of(stream), [nodes = graph_of(exec)->nodes] {
    for (const auto& node : nodes) node();
  });
  return rt.sticky;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete graph_of(exec);
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph_of(graph);
  return cudaSuccess;
}

}  // extern "C"
