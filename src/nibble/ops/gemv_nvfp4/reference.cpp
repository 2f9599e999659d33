#include "nibble/cuda/tile/gemv_plan.h"
#include "nibble/ops/gemv_nvfp4/gemv_nvfp4.h"

#include <cmath>

namespace nibble::gemv_nvfp4 {

int64_t partial_floats(const Args& a) {
  const int64_t rows = a.m * a.batch;
  return rows <= cuda::tile::kSplitRows ? rows * a.rows * cuda::tile::kVirtualWarps : 0;
}

Status Op::check(const Args& a) {
  if (a.m < 1 || a.k < 64 || a.k % 64 != 0)
    return Status::error("gemv_nvfp4: m must be positive and k a positive multiple of 64, got " +
                         std::to_string(a.m) + " and " + std::to_string(a.k));
  if (a.rows < 1 || a.rows > 8 || a.b_rows < a.rows)
    return Status::error("gemv_nvfp4: rows must be 1 to 8 and at most b_rows, got " +
                         std::to_string(a.rows) + " of " + std::to_string(a.b_rows));
  if (a.batch < 1 || a.batch > 32767)
    return Status::error("gemv_nvfp4: batch must be 1 to 32767, got " + std::to_string(a.batch));
  if (!a.a || !a.sfa || !a.b || !a.sfb || !a.c || (!a.partial && partial_floats(a) > 0))
    return Status::error("gemv_nvfp4: a, sfa, b, sfb, c and partial must not be null");
  const auto aligned = [](const void* p, unsigned to) {
    return reinterpret_cast<uintptr_t>(p) % to == 0;
  };
  if (!aligned(a.a, 16) || !aligned(a.b, 16) || !aligned(a.sfa, 4) || !aligned(a.sfb, 4))
    return Status::error(
        "gemv_nvfp4: a and b must begin at multiples of 16 bytes, sfa and sfb at multiples of 4");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("a", a.a, a.batch * a.m * (a.k / 2), 16);
  v.in("sfa", a.sfa, a.batch * scale_bytes(a.layout, a.m, a.k / 16), 4);
  v.in("b", a.b, a.batch * a.b_rows * (a.k / 2), 16);
  v.in("sfb", a.sfb, a.batch * scale_bytes(a.layout, a.b_rows, a.k / 16), 4);
  v.out("c", a.c, a.batch * a.rows * a.m);
  v.workspace("partial", a.partial, partial_floats(a));
}

void Op::reference(const Args& a) {
  const int64_t cols = a.k / 16;
  const auto value = [&](const e2m1x2* codes, const e4m3* scales, int64_t rows, int64_t l,
                         int64_t r, int k) {
    const e2m1x2 pair = codes[((l * rows + r) * a.k + k) / 2];
    const int64_t at = l * scale_bytes(a.layout, rows, cols);
    return double(to_float(k % 2 == 0 ? low(pair) : high(pair))) *
           to_float(scales[at + scale_offset(a.layout, r, k / 16, cols)]);
  };
  for (int64_t l = 0; l < a.batch; ++l)
    for (int64_t j = 0; j < a.rows; ++j)
      for (int64_t r = 0; r < a.m; ++r) {
        double sum = 0;
        for (int k = 0; k < a.k; ++k)
          sum += value(a.a, a.sfa, a.m, l, r, k) * value(a.b, a.sfb, a.b_rows, l, j, k);
        sum *= a.alpha;
        a.c[(l * a.rows + j) * a.m + r] = sum != sum ? fp16{0x7fff} : to_fp16(sum);
      }
}

// One rounding to fp16 more than the reference may go the other way: a step, at most 2^-10 of the
// value. Before it every addition rounds to float once, relative to a sum that is at most the sum
// of all magnitudes: a lane's blocks, the tree of 5, the virtual warps, and alpha.
Tolerance Op::tolerance(const Args& a) {
  const int chunks = (a.k + cuda::tile::kChunk - 1) / cuda::tile::kChunk;
  const int a_lane = 2 * ((chunks + cuda::tile::kVirtualWarps - 1) / cuda::tile::kVirtualWarps);
  const double roundings = a_lane + 5 + cuda::tile::virtual_warps(a.k) + 1;
  const double most = double(a.k) * 36 * 448 * 448 * std::abs(a.alpha);
  return {.abs = roundings * 0x1p-24 * most + 0x1p-25, .rel = 0x1p-10};
}

}  // namespace nibble::gemv_nvfp4
