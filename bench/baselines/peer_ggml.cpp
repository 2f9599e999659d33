#include "peers.h"

#if NIBBLE_GGML
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <sys/mman.h>

#include <map>
#include <stdexcept>

#include "nibble/harness/memory.h"

namespace nibble::baselines {
namespace {

ggml_type type_of(const std::string& name) {
  static const std::map<std::string, ggml_type> types = {{"nvfp4", GGML_TYPE_NVFP4},
                                                         {"mxfp4", GGML_TYPE_MXFP4},
                                                         {"q4_0", GGML_TYPE_Q4_0},
                                                         {"q8_0", GGML_TYPE_Q8_0},
                                                         {"tq2_0", GGML_TYPE_TQ2_0}};
  const auto at = types.find(name);
  if (at == types.end()) throw std::invalid_argument("ggml is not asked for " + name);
  return at->second;
}

// Element i of the operands: such that every block has a scale of 1, whatever ggml quantises, and
// all sums are exact. Blocks have 16 elements or a multiple.
float weight(ggml_type type, int64_t i) {
  constexpr float kE2m1[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, 0, -0.5f, -1, -1.5f, -2, -3, -4, -6};
  const int v = small(2, i);
  switch (type) {
    case GGML_TYPE_Q4_0:
      return i % 16 == 0 ? -8.0f : float(v);
    case GGML_TYPE_Q8_0:
      return i % 16 == 0 ? 127.0f : float(v);
    case GGML_TYPE_TQ2_0:
      return i % 16 == 0 ? 1.0f : float((v + 8) % 3 - 1);
    default:
      return i % 16 == 0 ? 6.0f : kE2m1[v + 8];
  }
}
float activation(int64_t i) { return i % 16 == 0 ? 127.0f : float(small(1, i)); }

struct State {
  harness::CaseMemory memory;  // pages as large as nibble's own operands have
  std::vector<ggml_backend_buffer_t> buffers;
  std::vector<ggml_context*> contexts;
  std::vector<ggml_cgraph*> graphs;  // one for each copy of the weights, as of outputs
  std::vector<float*> outputs;
  ggml_backend_t backend = ggml_backend_cpu_init();
  float* y = nullptr;  // what was written last

  ~State() {
    for (auto* c : contexts) ggml_free(c);
    for (auto* b : buffers) ggml_backend_buffer_free(b);
    ggml_backend_free(backend);
  }
  // What ggml does not allocate itself.
  void place(ggml_tensor* t) {
    BufferVisitor& visitor = memory;
    uint8_t* p = nullptr;
    visitor.workspace("peer", p, int64_t(ggml_nbytes(t)), 64);
    buffers.push_back(ggml_backend_cpu_buffer_from_ptr(p, ggml_nbytes(t)));
    ggml_backend_tensor_alloc(buffers.back(), t, p);
  }
};

// Where ggml keeps weights of this product in an order of its own, as llama.cpp asks for it; null
// if it does not.
ggml_backend_buffer_type_t repacked(ggml_backend_t backend, ggml_tensor* product, ggml_tensor* w) {
  const ggml_backend_dev_t device = ggml_backend_get_device(backend);
  const auto all =
      reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(ggml_backend_reg_get_proc_address(
          ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts"));
  for (auto* type = all ? all(device) : nullptr; type && *type; ++type) {
    w->buffer = ggml_backend_buft_alloc_buffer(*type, 0);
    const bool takes = ggml_backend_dev_supports_op(device, product);
    ggml_backend_buffer_free(w->buffer);
    w->buffer = nullptr;
    if (takes) return *type;
  }
  return nullptr;
}

Product make(const std::string& name, const Problem& p, int (*copies)(int64_t)) {
  const ggml_type type = type_of(name);
  ggml_log_set([](ggml_log_level, const char*, void*) {}, nullptr);  // a line for every copy
  const auto s = std::make_shared<State>();
  ggml_backend_cpu_set_n_threads(s->backend, p.threads);

  std::vector<float> w(size_t(p.n) * size_t(p.k)), x(size_t(p.m) * size_t(p.k));
  for (size_t i = 0; i < w.size(); ++i) w[i] = weight(type, int64_t(i));
  for (size_t i = 0; i < x.size(); ++i) x[i] = activation(int64_t(i));
  std::vector<uint8_t> codes(ggml_row_size(type, p.k) * size_t(p.n));
  ggml_quantize_chunk(type, w.data(), codes.data(), 0, p.n, p.k, nullptr);
  ggml_get_type_traits(type)->to_float(codes.data(), w.data(), int64_t(w.size()));

  Product product{.weight_bytes = int64_t(codes.size())};
  for (int i = copies(product.weight_bytes); i > 0; --i) {
    constexpr size_t kNodes = 8;
    s->contexts.push_back(ggml_init(
        {.mem_size = 4 * ggml_tensor_overhead() + ggml_graph_overhead_custom(kNodes, false),
         .mem_buffer = nullptr,
         .no_alloc = true}));
    ggml_context* c = s->contexts.back();
    ggml_tensor* weights = ggml_new_tensor_2d(c, type, p.k, p.n);
    ggml_tensor* rows = ggml_new_tensor_2d(c, GGML_TYPE_F32, p.k, p.m);
    ggml_tensor* y = ggml_mul_mat(c, weights, rows);
    const ggml_backend_buffer_type_t order = repacked(s->backend, y, weights);
    if (order != nullptr) {
      product.kernel = "repacked";
      s->buffers.push_back(ggml_backend_buft_alloc_buffer(order, codes.size() + 64));
      char* base = static_cast<char*>(ggml_backend_buffer_get_base(s->buffers.back()));
      char* page =
          reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(base) + 4095) / 4096 * 4096);
      madvise(page, codes.size() - size_t(page - base), MADV_HUGEPAGE);
      ggml_backend_tensor_alloc(s->buffers.back(), weights, base);
    } else {
      product.kernel = "vec_dot";
      s->place(weights);
    }
    ggml_backend_tensor_set(weights, codes.data(), 0, codes.size());
    s->place(rows), s->place(y);
    ggml_backend_tensor_set(rows, x.data(), 0, x.size() * sizeof(float));
    s->graphs.push_back(ggml_new_graph_custom(c, kNodes, false));
    ggml_build_forward_expand(s->graphs.back(), y);
    s->outputs.push_back(static_cast<float*>(y->data));
  }
  product.run = [s = s.get()](int copy) {
    if (ggml_backend_graph_compute(s->backend, s->graphs[size_t(copy)]) != GGML_STATUS_SUCCESS)
      throw std::runtime_error("ggml could not compute its graph");
    s->y = s->outputs[size_t(copy)];
  };
  product.owner = s;
  product.x = [p, x = std::move(x)](int i, int k) {
    return x[size_t(i) * size_t(p.k) + size_t(k)];
  };
  product.w = [p, w = std::move(w)](int j, int k) {
    return w[size_t(j) * size_t(p.k) + size_t(k)];
  };
  product.y = [p, s = s.get()](int i, int j) { return s->y[int64_t(i) * p.n + j]; };
  return product;
}

}  // namespace

Peer ggml() {
  return {.name = "ggml",
          .version = ggml_version(),
          .types = {"nvfp4", "mxfp4", "q4_0", "q8_0", "tq2_0"},
          .make = make};
}

}  // namespace nibble::baselines

#else

namespace nibble::baselines {
Peer ggml() {
  return {.name = "ggml", .absent = "not found (PyPI's llama-cpp-python, or -Dggml_DIR=...)"};
}
}  // namespace nibble::baselines

#endif
