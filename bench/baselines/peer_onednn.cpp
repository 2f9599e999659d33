#include "peers.h"

#if NIBBLE_ONEDNN
#include <omp.h>
#include <dnnl.hpp>

#include <bit>
#include <cstring>
#include <stdexcept>

#include "nibble/harness/memory.h"
#include "nibble/numerics/bf16.h"

namespace nibble::baselines {
namespace {

using dnnl::memory;
using Type = memory::data_type;

struct Types {
  Type x, w, y;
};

Types types_of(const std::string& name) {
  if (name == "f32") return {Type::f32, Type::f32, Type::f32};
  if (name == "bf16") return {Type::bf16, Type::bf16, Type::f32};
  if (name == "u8s8s32") return {Type::u8, Type::s8, Type::s32};
  if (name == "s8s8s32") return {Type::s8, Type::s8, Type::s32};
  throw std::invalid_argument("oneDNN is not asked for " + name);
}

int bytes_of(Type t) { return t == Type::bf16 ? 2 : t == Type::s8 || t == Type::u8 ? 1 : 4; }

void fill(Type t, uint8_t* to, int64_t count, uint64_t seed) {
  for (int64_t i = 0; i < count; ++i) {
    const int v = small(seed, i);
    const auto f = float(v);
    const bf16 b = to_bf16(f);
    if (t == Type::f32) std::memcpy(to + 4 * i, &f, 4);
    if (t == Type::bf16) std::memcpy(to + 2 * i, &b, 2);
    if (t == Type::s8) to[i] = uint8_t(int8_t(v));
    if (t == Type::u8) to[i] = uint8_t(v + 8);
  }
}

struct State {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  harness::CaseMemory memory;  // pages as large as nibble's own operands have
  dnnl::matmul primitive;
  dnnl::memory x, y;
  std::vector<dnnl::memory> w;

  uint8_t* bytes(int64_t count) {
    BufferVisitor& visitor = memory;
    uint8_t* p = nullptr;
    visitor.workspace("peer", p, count, 64);
    return p;
  }
};

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const memory::desc& x,
                                      const memory::desc& w, const memory::desc& y) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, x, w, y};
#else
  return {dnnl::matmul::desc(x, w, y), engine};
#endif
}

Product make(const std::string& type, const Problem& p, int (*copies)(int64_t)) {
  omp_set_num_threads(p.threads);
  const Types t = types_of(type);
  const auto s = std::make_shared<State>();
  const memory::desc x({p.m, p.k}, t.x, memory::format_tag::ab);
  const memory::desc y({p.m, p.n}, t.y, memory::format_tag::ab);
  const memory::desc w_any({p.k, p.n}, t.w, memory::format_tag::any);
  const memory::desc w_given({p.k, p.n}, t.w, memory::format_tag::ba);
  const auto chosen = describe(s->engine, x, w_any, y);
  s->primitive = dnnl::matmul(chosen);

  const int64_t x_count = int64_t(p.m) * p.k, w_count = int64_t(p.n) * p.k;
  uint8_t* x_bytes = s->bytes(x_count * bytes_of(t.x));
  fill(t.x, x_bytes, x_count, 1);
  std::vector<uint8_t> given(size_t(w_count) * size_t(bytes_of(t.w)));
  fill(t.w, given.data(), w_count, 2);
  auto* y_bytes = s->bytes(int64_t(p.m) * p.n * 4);
  s->x = memory(x, s->engine, x_bytes), s->y = memory(y, s->engine, y_bytes);

  const auto packed = chosen.weights_desc();
  const auto size = int64_t(packed.get_size());
  memory from(w_given, s->engine, given.data());
  for (int i = copies(size); i > 0; --i) {
    uint8_t* to = s->bytes(size);
    s->w.emplace_back(packed, s->engine, to);
    if (s->w.size() > 1)
      std::memcpy(to, s->w.front().get_data_handle(), size_t(size));
    else
      dnnl::reorder(from, s->w[0]).execute(s->stream, from, s->w[0]);
    s->stream.wait();
  }
  Product product{.kernel = chosen.impl_info_str(), .weight_bytes = size, .owner = s};
  product.run = [s = s.get()](int copy) {
    s->primitive.execute(
        s->stream,
        {{DNNL_ARG_SRC, s->x}, {DNNL_ARG_WEIGHTS, s->w[size_t(copy)]}, {DNNL_ARG_DST, s->y}});
    s->stream.wait();
  };
  const int unsigned_by = t.x == Type::u8 ? 8 : 0;
  product.x = [=](int i, int k) { return small(1, int64_t(i) * p.k + k) + unsigned_by; };
  product.w = [=](int j, int k) { return small(2, int64_t(j) * p.k + k); };
  product.y = [=, integer = t.y == Type::s32](int i, int j) {
    int32_t v = 0;
    std::memcpy(&v, y_bytes + 4 * (int64_t(i) * p.n + j), 4);
    return integer ? double(v) : double(std::bit_cast<float>(v));
  };
  return product;
}

}  // namespace

Peer onednn() {
  const dnnl_version_t* v = dnnl_version();
  return {.name = "oneDNN",
          .version = std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
                     std::to_string(v->patch),
          .types = {"f32", "bf16", "u8s8s32", "s8s8s32"},
          .make = make};
}

}  // namespace nibble::baselines

#else

namespace nibble::baselines {
Peer onednn() { return {.name = "oneDNN", .absent = "not found (Debian: libdnnl-dev)"}; }
}  // namespace nibble::baselines

#endif
