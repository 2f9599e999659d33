// Products of 4-bit elements with block scales by a warp: sm_120f.
#pragma once
#include "ptx_matrix.cuh"

namespace ptx_test {

template <class Scales>
struct ScaledMma : Warp {
  static constexpr const char* name = Scales::name;
  static constexpr int in_words = (16 + 8) * 9, out_words = 16 * 8;
  static void fill(nibble::Random& random, uint32_t* in) {
    fill_operand<E2m1>(random, in, 24 * 8), fill_scales<Scales>(random, in + 24 * 8, 24);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    const Fragments f(in);
    const uint32_t* scales = in + 24 * 8;
    const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
    const uint32_t sa = t == 0 ? scales[g] : t == 1 ? scales[g + 8] : 0xffffffff;
    const uint32_t sb = t == 0 ? scales[16 + g] : 0xffffffff;
    float d[4] = {};
    if constexpr (Scales::per_row == 4)
      ptx::mma_nvfp4(d, f.a, f.b, sa, sb);
    else
      ptx::mma_mxfp4(d, f.a, f.b, sa, sb);
    store_sums(d, out);
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < 16; ++i)
      for (int j = 0; j < 8; ++j)
        out[i * 8 + j] = bit_cast<uint32_t>(float(scaled_sum<Scales>(
            in + i * 8, in + (16 + j) * 8, in[24 * 8 + i], in[24 * 8 + 16 + j])));
  }
};

}  // namespace ptx_test
