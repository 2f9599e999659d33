#include "peers.h"

#if NIBBLE_OPENBLAS
#include <cblas.h>

#include <stdexcept>

#include "nibble/harness/memory.h"

namespace nibble::baselines {
namespace {

struct State {
  harness::CaseMemory memory;
  float *x = nullptr, *y = nullptr;
  std::vector<float*> w;

  float* floats(int64_t count) {
    BufferVisitor& visitor = memory;
    float* p = nullptr;
    visitor.workspace("peer", p, count, 64);
    return p;
  }
};

Product make(const std::string& type, const Problem& p, int (*copies)(int64_t)) {
  if (type != "f32") throw std::invalid_argument("OpenBLAS is not asked for " + type);
  openblas_set_num_threads(p.threads);
  const auto s = std::make_shared<State>();
  const int64_t x_count = int64_t(p.m) * p.k, w_count = int64_t(p.n) * p.k;
  s->x = s->floats(x_count), s->y = s->floats(int64_t(p.m) * p.n);
  for (int64_t i = 0; i < x_count; ++i) s->x[i] = float(small(1, i));
  for (int c = copies(4 * w_count); c > 0; --c) {
    s->w.push_back(s->floats(w_count));
    for (int64_t i = 0; i < w_count; ++i)
      s->w.back()[i] = s->w.size() > 1 ? s->w.front()[i] : float(small(2, i));
  }
  Product product{.kernel = openblas_get_corename(), .weight_bytes = 4 * w_count, .owner = s};
  product.run = [p, s = s.get()](int copy) {
    const float* w = s->w[size_t(copy)];
    if (p.m == 1)
      cblas_sgemv(CblasRowMajor, CblasNoTrans, p.n, p.k, 1, w, p.k, s->x, 1, 0, s->y, 1);
    else
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, p.m, p.n, p.k, 1, s->x, p.k, w, p.k, 0,
                  s->y, p.n);
  };
  product.x = [=](int i, int k) { return small(1, int64_t(i) * p.k + k); };
  product.w = [=](int j, int k) { return small(2, int64_t(j) * p.k + k); };
  product.y = [p, s = s.get()](int i, int j) { return s->y[int64_t(i) * p.n + j]; };
  return product;
}

}  // namespace

Peer openblas() {
  // "OpenBLAS 0.3.21 DYNAMIC_ARCH ...": the second word is the version.
  const std::string config = openblas_get_config();
  const size_t begin = config.find(' ') + 1;
  return {.name = "OpenBLAS",
          .version = config.substr(begin, config.find(' ', begin) - begin),
          .types = {"f32"},
          .make = make};
}

bool openblas_is_lost(bool avx512) {
  const std::string core = openblas_get_corename();
  if (core == "SkylakeX" || core == "Cooperlake" || core == "SapphireRapids") return false;
  return avx512 || (core != "Haswell" && core != "Zen");
}

}  // namespace nibble::baselines

#else

namespace nibble::baselines {
Peer openblas() { return {.name = "OpenBLAS", .absent = "not found (Debian: libopenblas-dev)"}; }
bool openblas_is_lost(bool) { return false; }
}  // namespace nibble::baselines

#endif
