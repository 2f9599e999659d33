// The encoders by name, and a few rows at a time through them.
#include <algorithm>

#include "nibble/ops/encode_fp8/encode_fp8.h"
#include "nibble/ops/encode_mx/encode_mx.h"
#include "nibble/ops/encode_nvfp4/encode_nvfp4.h"
#include "nibble/ops/encode_rows/kernels.h"
#include "nibble/ops/magnitudes/magnitudes.h"
#include "nibble/ops/quantise_rows/quantise_rows.h"

namespace nibble::encode_rows {
namespace {

// 16 KiB of floats: what one pass over some rows leaves in L1 for the next.
constexpr int64_t kElementsAtOnce = 4096;
constexpr int64_t kMostRowsAtOnce = kElementsAtOnce / 16;

template <class Op>
auto* variant_of(std::string_view name) {
  for (const auto& v : Op::variants())
    if (v.name == name) return v.run;
  return Op::variants().back().run;  // portable, which every table ends with
}

void encode_nvfp4_rows(std::string_view variant, const Args& a, const float* amax) {
  float found[kMostRowsAtOnce];
  if (!amax)
    variant_of<magnitudes::Op>(variant)({.rows = a.rows, .cols = a.cols, .x = a.x, .amax = found},
                                        {});
  if (!amax) amax = found;
  for (int64_t r = 0; r < a.rows; ++r) a.to.scales[r] = nvfp4_tensor(a.to.recipe, amax[r]).decode;
  variant_of<encode_nvfp4::Op>(variant)({.rows = a.rows,
                                         .cols = a.cols,
                                         .recipe = {a.to.recipe},
                                         .per_row = true,
                                         .x = a.x,
                                         .amax = amax,
                                         .codes = reinterpret_cast<e2m1x2*>(a.to.codes),
                                         .scales = reinterpret_cast<e4m3*>(a.to.block_scales)},
                                        {});
}

void encode_some(std::string_view variant, const Args& a, const float* amax) {
  const Format f = a.to.format;
  if (f == Format::nvfp4) return encode_nvfp4_rows(variant, a, amax);
  if (f == Format::mxfp4)
    return variant_of<encode_mx::Op>(variant)(
        {.rows = a.rows,
         .cols = a.cols,
         .rule = a.to.rule,
         .x = a.x,
         .codes = a.to.codes,
         .scales = reinterpret_cast<ue8m0*>(a.to.block_scales)},
        {});
  if (f == Format::fp8 || f == Format::fp8_128)
    return variant_of<encode_fp8::Op>(variant)(
        {.rows = a.rows,
         .cols = a.cols,
         .tile = f == Format::fp8 ? encode_fp8::Tile::row : encode_fp8::Tile::row_128,
         .x = a.x,
         .codes = reinterpret_cast<e4m3*>(a.to.codes),
         .scales = a.to.scales},
        {});
  quantise_rows::Args q{.rows = a.rows, .cols = a.cols, .ldx = a.cols, .x = a.x};
  q.scales = a.to.scales;
  q.code = f == Format::s8 ? DType::i8 : DType::i16;
  if (f == Format::s8)
    q.codes_s8 = reinterpret_cast<int8_t*>(a.to.codes);
  else
    q.codes_s16 = reinterpret_cast<int16_t*>(a.to.codes);
  variant_of<quantise_rows::Op>(variant)(q, {});
}

Args rows_of(const Args& a, int64_t begin, int64_t end) {
  const auto* x = static_cast<const uint8_t*>(a.x.data) + begin * a.cols * bytes_of(a.x.type);
  return {
      .rows = end - begin, .cols = a.cols, .x = {a.x.type, x}, .to = from_row(a.to, begin, a.cols)};
}

}  // namespace

void encode(std::string_view variant, const Args& a, const float* amax) {
  const int64_t some = std::max<int64_t>(1, kElementsAtOnce / a.cols);
  for (int64_t r = 0; r < a.rows; r += some)
    encode_some(variant, rows_of(a, r, std::min(r + some, a.rows)), amax ? amax + r : nullptr);
}

void run(std::string_view variant, const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols),
               [&](int64_t begin, int64_t end) { encode(variant, rows_of(a, begin, end)); });
}

}  // namespace nibble::encode_rows
