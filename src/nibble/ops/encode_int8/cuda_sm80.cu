#include "nibble/cuda/tile/encode_tiles.cuh"
#include "nibble/cuda/tile/row_codes.cuh"
#include "nibble/ops/encode_int8/kernels.h"

namespace nibble::encode_int8 {
namespace {

namespace tile = cuda::tile;

struct Codec {
  static constexpr int kBits = 8;
  uint8_t* codes;
  float* scales;

  struct State {
    float scale, inverse;
  };
  __device__ State begin(float row_amax, int64_t, int64_t) const {
    // The bits of a NaN that is divided are not the same everywhere.
    const float scale = is_nan(row_amax) ? row_amax : s8_scale(row_amax);
    return {scale, 1 / scale};
  }
  __device__ void store_scale(const State& s, int64_t row) const { scales[row] = s.scale; }
  template <int N>
  __device__ uint64_t encode(const State& s, const float (&x)[N], int64_t) const {
    uint64_t all = 0;
    if (tile::is_usual(s.scale)) {
#pragma unroll
      for (int k = 0; k < N; ++k)
        all |= uint64_t(tile::steps_of(x[k], s.scale, s.inverse) & 0xff) << 8 * k;
    } else {
#pragma unroll
      for (int k = 0; k < N; ++k) all |= uint64_t(uint8_t(s8_element(s.scale, x[k]))) << 8 * k;
    }
    return all;
  }
};

}  // namespace

void sm80(const Args& a, const Exec& e) {
  const Codec codec{reinterpret_cast<uint8_t*>(a.codes), a.scales};
  tile::launch_encode_tiles(codec, a.x, {a.rows, a.cols, 1, a.cols}, e);
}

}  // namespace nibble::encode_int8
