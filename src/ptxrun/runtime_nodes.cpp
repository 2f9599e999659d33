// Entry points: graphs built node by node, and changed.
//
// A node is made by capturing its call on a stream of its own. Nodes keep the order in which they
// are added, which satisfies their dependencies.
#include "runtime.h"

using namespace ptxrun;

namespace {

Graph* graph_of(void* p) { return static_cast<Graph*>(p); }

// What `call` does on a stream, as the one node of a graph of its own.
template <class F>
cudaError_t capture(Runtime& rt, std::function<void()>& node, F&& call) {
  Graph alone;
  Stream* const stream = rt.streams.create(false);
  stream->capture = &alone;
  const cudaError_t e = call(reinterpret_cast<cudaStream_t>(stream));
  stream->capture = nullptr;
  rt.streams.destroy(stream);
  if (e != cudaSuccess) return e;
  node = alone.nodes.empty() ? std::function<void()>([] {}) : alone.nodes[0];
  return cudaSuccess;
}

template <class F>
cudaError_t add(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after, size_t count,
                F&& call) {
  PTXRUN_ENTER;
  if (!out || !graph || (count && !after)) return rt.fail(cudaErrorInvalidValue);
  Graph& g = *graph_of(graph);
  for (size_t k = 0; k < count; ++k)
    if (!after[k] || reinterpret_cast<GraphNode*>(after[k])->graph != &g)
      return rt.fail(cudaErrorInvalidValue);
  std::function<void()> node;
  if (cudaError_t e = capture(rt, node, call); e != cudaSuccess) return rt.fail(e);
  g.nodes.push_back(std::move(node));
  *out = reinterpret_cast<cudaGraphNode_t>(g.handle(g.nodes.size() - 1));
  return cudaSuccess;
}
cudaError_t launch(const cudaKernelNodeParams& p, cudaStream_t stream) {
  return cudaLaunchKernel(p.func, p.gridDim, p.blockDim, p.kernelParams, p.sharedMemBytes, stream);
}
cudaError_t fill(const cudaMemsetParams& p, cudaStream_t stream) {
  if (p.elementSize != 1) return cudaErrorNotSupported;
  return cudaMemset2DAsync(p.dst, p.height > 1 ? p.pitch : p.width, int(p.value), p.width, p.height,
                           stream);
}
cudaError_t replace(Graph* where, cudaGraphNode_t node, const cudaKernelNodeParams* p) {
  PTXRUN_ENTER;
  const auto* n = reinterpret_cast<GraphNode*>(node);
  if (!where || !n || !p || n->at >= where->nodes.size()) return rt.fail(cudaErrorInvalidValue);
  return capture(rt, where->nodes[n->at], [&](cudaStream_t s) { return launch(*p, s); });
}

}  // namespace

extern "C" {

cudaError_t cudaGraphCreate(cudaGraph_t* graph, unsigned) {
  *graph = reinterpret_cast<cudaGraph_t>(new Graph);
  return cudaSuccess;
}
cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* out, cudaGraph_t g,
                                   const cudaGraphNode_t* after, size_t n,
                                   const cudaKernelNodeParams* p) {
  return add(out, g, after, n, [p](cudaStream_t s) { return launch(*p, s); });
}
cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t* out, cudaGraph_t g,
                                     const cudaGraphNode_t* after, size_t n, void* to,
                                     const void* from, size_t bytes, cudaMemcpyKind kind) {
  return add(out, g, after, n,
             [=](cudaStream_t s) { return cudaMemcpyAsync(to, from, bytes, kind, s); });
}
cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t* out, cudaGraph_t g,
                                   const cudaGraphNode_t* after, size_t n,
                                   const cudaMemsetParams* p) {
  return add(out, g, after, n, [p](cudaStream_t s) { return fill(*p, s); });
}
cudaError_t cudaGraphAddHostNode(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* after,
                                 size_t n, const cudaHostNodeParams* p) {
  return add(out, g, after, n,
             [p](cudaStream_t s) { return cudaLaunchHostFunc(s, p->fn, p->userData); });
}
cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t* out, cudaGraph_t g, const cudaGraphNode_t* after,
                                  size_t n) {
  return add(out, g, after, n, [](cudaStream_t) { return cudaSuccess; });
}
cudaError_t cudaGraphKernelNodeSetParams(cudaGraphNode_t node, const cudaKernelNodeParams* p) {
  return replace(node ? reinterpret_cast<GraphNode*>(node)->graph : nullptr, node, p);
}
cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                             const cudaKernelNodeParams* p) {
  return replace(graph_of(exec), node, p);
}
// The same nodes in the same order: their number is what is known of it.
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t exec, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo* info) {
  PTXRUN_ENTER;
  if (!exec || !graph) return rt.fail(cudaErrorInvalidValue);
  const bool same = graph_of(exec)->nodes.size() == graph_of(graph)->nodes.size();
  if (info) {
    *info = {};
    info->result = same ? cudaGraphExecUpdateSuccess : cudaGraphExecUpdateErrorTopologyChanged;
  }
  if (!same) return rt.fail(cudaErrorGraphExecUpdateFailure);
  graph_of(exec)->nodes = graph_of(graph)->nodes;
  return cudaSuccess;
}

}  // extern "C"
