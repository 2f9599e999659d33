#include "nibble/runtime/encode_rows.h"

#include <cstring>

#include "nibble/ops/decode_fp8/decode_fp8.h"
#include "nibble/ops/decode_int8/decode_int8.h"
#include "nibble/ops/decode_mx/decode_mx.h"
#include "nibble/ops/decode_nvfp4/decode_nvfp4.h"
#include "nibble/ops/decode_ternary/decode_ternary.h"
#include "nibble/ops/encode_fp8/encode_fp8.h"
#include "nibble/ops/encode_mx/encode_mx.h"
#include "nibble/ops/encode_nvfp4/encode_nvfp4.h"
#include "nibble/ops/encode_ternary/encode_ternary.h"
#include "nibble/ops/hadamard16/hadamard16.h"
#include "nibble/ops/magnitudes/magnitudes.h"
#include "nibble/ops/quantise_rows/quantise_rows.h"
#include "nibble/runtime/error.h"

namespace nibble {
namespace {

// Float scales as the checkpoint keeps them, and back.
void store_scales(const std::vector<float>& scales, int bytes, std::vector<uint8_t>& to) {
  to.resize(scales.size() * size_t(bytes));
  for (size_t i = 0; i < scales.size(); ++i) {
    const bf16 narrow = to_bf16(scales[i]);  // exact where bytes is 2: it has been rounded
    std::memcpy(&to[i * size_t(bytes)], bytes == 4 ? static_cast<const void*>(&scales[i]) : &narrow,
                size_t(bytes));
  }
}
std::vector<float> load_scales(const std::vector<uint8_t>& from, int bytes) {
  std::vector<float> scales(from.size() / size_t(bytes));
  for (size_t i = 0; i < scales.size(); ++i) {
    bf16 narrow;
    std::memcpy(bytes == 4 ? static_cast<void*>(&scales[i]) : &narrow, &from[i * size_t(bytes)],
                size_t(bytes));
    if (bytes == 2) scales[i] = to_float(narrow);
  }
  return scales;
}

template <class T>
T* as(std::vector<uint8_t>& bytes) {
  return reinterpret_cast<T*>(bytes.data());
}
template <class T>
const T* as(const std::vector<uint8_t>& bytes) {
  return reinterpret_cast<const T*>(bytes.data());
}

}  // namespace

void TensorFacts::add(Floats x, int64_t rows, int64_t cols, const Machine& machine, Pool* pool) {
  std::vector<float> most(static_cast<size_t>(rows));
  std::vector<double> sums(static_cast<size_t>(rows));
  throw_if(run<magnitudes::Op>({.rows = rows,
                                .cols = cols,
                                .with_sum = true,
                                .x = x,
                                .amax = most.data(),
                                .sum = sums.data()},
                               machine, {.pool = pool}));
  most.push_back(amax);
  amax = amax_of(most.data(), int64_t(most.size()));
  for (double s : sums) sum += s;
  count += rows * cols;
}

RowEncoder::RowEncoder(const Encoding& e, const TensorFacts& facts, const Machine& machine,
                       Pool* pool)
    : encoding_(e), facts_(facts), machine_(machine), pool_(pool) {
  if (e.format == WeightFormat::nvfp4) tensor_ = nvfp4_tensor(e.recipe, facts.amax);
  if (e.format == WeightFormat::ternary) gamma_ = ternary_gamma(facts.sum, facts.count);
}

RowEncoder RowEncoder::of_stored(const Encoding& e, float multiplier,
                                 const std::vector<uint8_t>& scales, const Machine& machine,
                                 Pool* pool) {
  RowEncoder r(e, {}, machine, pool);
  r.tensor_.decode = multiplier;
  if (e.format == WeightFormat::ternary) r.gamma_ = load_scales(scales, 4).at(0);
  return r;
}

float RowEncoder::divisor() const {
  if (!(tensor_.decode > 0)) return 1;  // all zero: any does
  // te, vllm and ct encode with the divisor itself; the others with the multiplier.
  return tensor_.encode == tensor_.decode ? 1 / tensor_.decode : tensor_.encode;
}

Floats transformed(const Encoding& e, Floats x, int64_t rows, int64_t cols, std::vector<float>& to,
                   const Machine& machine, Pool* pool) {
  if (!e.hadamard) return x;
  to.resize(size_t(rows * cols));
  throw_if(run<hadamard16::Op>(
      {.rows = rows, .cols = cols, .signs = *e.hadamard, .x = x, .y = to.data()}, machine,
      {.pool = pool}));
  return to.data();
}

void RowEncoder::encode(Floats x, int64_t rows, int64_t cols, EncodedRows& to,
                        int64_t first) const {
  const Parts parts = parts_of(encoding_, rows, cols);
  Stochastic stochastic = encoding_.stochastic;
  stochastic.first += uint64_t(first * cols);
  const Exec exec{.pool = pool_};
  to.codes.resize(size_t(rows * parts.code_cols));
  to.scales.resize(size_t(parts.scale_rows * parts.scale_cols * parts.scale_bytes));
  switch (encoding_.format) {
    case WeightFormat::nvfp4:
      return throw_if(run<encode_nvfp4::Op>({.rows = rows,
                                             .cols = cols,
                                             .recipe = encoding_.recipe,
                                             .stochastic = stochastic,
                                             .x = x,
                                             .amax = &facts_.amax,
                                             .codes = as<e2m1x2>(to.codes),
                                             .scales = as<e4m3>(to.scales)},
                                            machine_, exec));
    case WeightFormat::mxfp4:
    case WeightFormat::mxfp8:
      return throw_if(run<encode_mx::Op>({.rows = rows,
                                          .cols = cols,
                                          .format = encoding_.element,
                                          .rule = encoding_.rule,
                                          .x = x,
                                          .codes = to.codes.data(),
                                          .scales = as<ue8m0>(to.scales)},
                                         machine_, exec));
    case WeightFormat::fp8:
    case WeightFormat::fp8_block: {
      const bool bytes = encoding_.scale == Fp8Scale::ue8m0;
      std::vector<float> scales(size_t(bytes ? 0 : parts.scale_rows * parts.scale_cols));
      throw_if(run<encode_fp8::Op>(
          {.rows = rows,
           .cols = cols,
           .tile = encoding_.tile,
           .scale = encoding_.scale,
           .x = x,
           .amax = encoding_.tile == encode_fp8::Tile::tensor ? &facts_.amax : nullptr,
           .codes = as<e4m3>(to.codes),
           .scales = bytes ? nullptr : scales.data(),
           .scales_ue8m0 = bytes ? as<ue8m0>(to.scales) : nullptr},
          machine_, exec));
      if (!bytes) store_scales(scales, parts.scale_bytes, to.scales);
      return;
    }
    case WeightFormat::int8: {
      std::vector<float> scales(static_cast<size_t>(rows));
      throw_if(run<quantise_rows::Op>({.rows = rows,
                                       .cols = cols,
                                       .ldx = cols,
                                       .code = DType::i8,
                                       .x = x,
                                       .codes_s8 = as<int8_t>(to.codes),
                                       .scales = scales.data()},
                                      machine_, exec));
      return store_scales(scales, 4, to.scales);
    }
    case WeightFormat::ternary:
      store_scales({gamma_}, 4, to.scales);
      return throw_if(run<encode_ternary::Op>({.rows = rows,
                                               .cols = cols,
                                               .packing = encoding_.packing,
                                               .x = x,
                                               .gamma = &gamma_,
                                               .codes = to.codes.data()},
                                              machine_, exec));
  }
}

void RowEncoder::decode(const EncodedRows& from, int64_t rows, int64_t cols, float* y) const {
  if (!encoding_.hadamard) return decode_codes(from, rows, cols, y);
  std::vector<float> codes(size_t(rows * cols));
  decode_codes(from, rows, cols, codes.data());
  throw_if(run<hadamard16::Op>({.rows = rows,
                                .cols = cols,
                                .signs = *encoding_.hadamard,
                                .inverse = true,
                                .x = codes.data(),
                                .y = y},
                               machine_, {.pool = pool_}));
}

void RowEncoder::decode_codes(const EncodedRows& from, int64_t rows, int64_t cols, float* y) const {
  const Exec exec{.pool = pool_};
  const Parts parts = parts_of(encoding_, rows, cols);
  switch (encoding_.format) {
    case WeightFormat::nvfp4:
      return throw_if(run<decode_nvfp4::Op>({.rows = rows,
                                             .cols = cols,
                                             .codes = as<e2m1x2>(from.codes),
                                             .scales = as<e4m3>(from.scales),
                                             .decode = &tensor_.decode,
                                             .y = y},
                                            machine_, exec));
    case WeightFormat::mxfp4:
    case WeightFormat::mxfp8:
      return throw_if(run<decode_mx::Op>({.rows = rows,
                                          .cols = cols,
                                          .format = encoding_.element,
                                          .codes = from.codes.data(),
                                          .scales = as<ue8m0>(from.scales),
                                          .y = y},
                                         machine_, exec));
    case WeightFormat::fp8:
    case WeightFormat::fp8_block: {
      const bool bytes = encoding_.scale == Fp8Scale::ue8m0;
      const auto scales =
          bytes ? std::vector<float>() : load_scales(from.scales, parts.scale_bytes);
      return throw_if(run<decode_fp8::Op>({.rows = rows,
                                           .cols = cols,
                                           .tile = encoding_.tile,
                                           .ue8m0_scales = bytes,
                                           .codes = as<e4m3>(from.codes),
                                           .scales = bytes ? nullptr : scales.data(),
                                           .scales_ue8m0 = bytes ? as<ue8m0>(from.scales) : nullptr,
                                           .y = y},
                                          machine_, exec));
    }
    case WeightFormat::int8: {
      const auto scales = load_scales(from.scales, encoding_.scale == Fp8Scale::bf16 ? 2 : 4);
      return throw_if(run<decode_int8::Op>({.rows = rows,
                                            .cols = cols,
                                            .codes = as<int8_t>(from.codes),
                                            .scales = scales.data(),
                                            .y = y},
                                           machine_, exec));
    }
    case WeightFormat::ternary:
      return throw_if(run<decode_ternary::Op>({.rows = rows,
                                               .cols = cols,
                                               .packing = encoding_.packing,
                                               .codes = from.codes.data(),
                                               .gamma = &gamma_,
                                               .y = y},
                                              machine_, exec));
  }
}

}  // namespace nibble
