#include <algorithm>
#include <cmath>
#include <vector>

#include "nibble/cuda/tile/gemv_plan.h"
#include "nibble/ops/gemv_nvfp4_fp16/gemv_nvfp4_fp16.h"

namespace nibble::gemv_nvfp4_fp16 {
namespace {

float scale(const Args& a, int64_t l, int64_t r, int block) {
  const int64_t at = l * scale_bytes(a.layout, a.m, a.k / 16);
  return to_float(a.scale[at + scale_offset(a.layout, r, block, a.k / 16)]);
}

// Calls use(l, r, w) with each row of weights, decoded once for all rows of activations.
template <class Use>
void each_row(const Args& a, Use&& use) {
  std::vector<double> w(size_t(a.k));
  for (int64_t l = 0; l < a.batch; ++l)
    for (int64_t r = 0; r < a.m; ++r) {
      const e2m1x2* codes = a.w + (l * a.m + r) * (a.k / 2);
      for (int first = 0; first < a.k; first += 16) {
        const double factor = scale(a, l, r, first / 16);
        for (int k = first; k < first + 16; ++k)
          w[size_t(k)] = double(code_value(codes, k, a.order)) * factor;
      }
      use(l, r, w.data());
    }
}

}  // namespace

int64_t partial_floats(const Args& a) {
  const int64_t rows = a.m * a.batch;
  return rows <= cuda::tile::kSplitRows ? rows * a.rows * cuda::tile::kVirtualWarps : 0;
}

Status Op::check(const Args& a) {
  if (a.m < 1 || a.k < 64 || a.k % 64 != 0)
    return Status::error(
        "gemv_nvfp4_fp16: m must be positive and k a positive multiple of 64, got " +
        std::to_string(a.m) + " and " + std::to_string(a.k));
  if (a.rows < 1 || a.rows > 8 || a.batch < 1 || a.batch > 32767)
    return Status::error("gemv_nvfp4_fp16: rows must be 1 to 8 and batch 1 to 32767, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.batch));
  if (!a.w || !a.scale || !a.x || !a.y || (!a.partial && partial_floats(a) > 0))
    return Status::error("gemv_nvfp4_fp16: w, scale, x, y and partial must not be null");
  const auto aligned = [](const void* p, unsigned to) {
    return reinterpret_cast<uintptr_t>(p) % to == 0;
  };
  if (!aligned(a.w, 16) || !aligned(a.x, 16) || !aligned(a.scale, 4))
    return Status::error(
        "gemv_nvfp4_fp16: w and x must begin at multiples of 16 bytes, scale at one of 4");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("w", a.w, a.batch * a.m * (a.k / 2), 16);
  v.in("scale", a.scale, a.batch * scale_bytes(a.layout, a.m, a.k / 16), 4);
  v.in("x", a.x, a.batch * a.rows * a.k, 16);
  v.out("y", a.y, a.batch * a.rows * a.m);
  v.workspace("partial", a.partial, partial_floats(a));
}

void Op::reference(const Args& a) {
  each_row(a, [&](int64_t l, int64_t r, const double* w) {
    for (int64_t j = l * a.rows; j < (l + 1) * a.rows; ++j) {
      double sum = 0;
      for (int k = 0; k < a.k; ++k) sum += w[k] * to_float(a.x[j * a.k + k]);
      sum *= a.alpha;
      a.y[j * a.m + r] = sum != sum ? fp16{0x7fff} : to_fp16(sum);
    }
  });
}

// The eight additions of a block round to 2^-11 of a sum that is at most the block's magnitudes, or
// to half a subnormal step; what is added in float after that is counted at 2^-20 of all. At last a
// step of fp16. `most` is the greatest of all rows' sums of magnitudes. A block that is added anew
// has 65504 or more of them, and its steps, 64 times as large, are below 2^-20 of that.
Tolerance Op::tolerance(const Args& a) {
  double most = 0, steps = 0;
  each_row(a, [&](int64_t l, int64_t r, const double* w) {
    for (int64_t j = l * a.rows; j < (l + 1) * a.rows; ++j) {
      double sum = 0;
      for (int k = 0; k < a.k; ++k) {
        const double product = std::abs(w[k] * to_float(a.x[j * a.k + k]));
        if (std::isfinite(product)) sum += product;
      }
      most = std::max(most, sum);
    }
    double scales = 0;
    for (int block = 0; block < a.k / 16; ++block)
      if (const float s = std::abs(scale(a, l, r, block)); std::isfinite(s)) scales += s;
    steps = std::max(steps, scales);
  });
  const double alpha = std::abs(a.alpha);
  return {.abs = alpha * (most * (8 * 0x1p-11 + 0x1p-20) + steps * 16 * 0x1p-25) + 0x1p-25,
          .rel = 0x1p-10};
}

}  // namespace nibble::gemv_nvfp4_fp16
