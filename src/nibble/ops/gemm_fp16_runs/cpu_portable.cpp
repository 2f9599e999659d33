#include "nibble/ops/gemm_fp16_runs/tile.h"

namespace nibble::gemm_fp16_runs {
namespace {

// A product of halves has 22 bits. In double, sum and product are rounded to 53: what is rounded
// off lies more than 22 bits below the place where a half is rounded, which is then no tie.
struct ByLanes {
  struct Halves {
    fp16 lane[kDensePanel];
  };
  static Halves load(const fp16* p) {
    Halves v;
    for (int i = 0; i < kDensePanel; ++i) v.lane[i] = p[i];
    return v;
  }
  static Halves twice(uint32_t pair) {
    Halves v;
    for (fp16& lane : v.lane) lane.bits = uint16_t(pair);
    return v;
  }
  static void fma(const Halves& x, const Halves& w, Halves& acc) {
    for (int i = 0; i < kDensePanel; ++i) {
      const double product = double(to_float(x.lane[i])) * to_float(w.lane[i]);
      acc.lane[i] = to_fp16(product + to_float(acc.lane[i]));
    }
  }
  static void add(const Halves& acc, float* to) {
    for (int i = 0; i < kDensePanel; ++i) to[i] += to_float(acc.lane[i]);
  }
};

}  // namespace

void portable(const Args& a, const Exec& e) { cpu::dense<RunsKernel<ByLanes>>(a, e); }

}  // namespace nibble::gemm_fp16_runs
