// Rows of floats as a product's op takes them beside weights. Private to runtime.
#pragma once
#include <algorithm>
#include <type_traits>
#include <vector>

#include "nibble/base/view.h"
#include "nibble/numerics/bf16.h"
#include "nibble/numerics/fp16.h"
#include "nibble/ops/encode_fp8/encode_fp8.h"
#include "nibble/ops/encode_mx/encode_mx.h"
#include "nibble/ops/encode_rows/encode_rows.h"
#include "nibble/ops/gemm_fp8_e4m3/gemm_fp8_e4m3.h"
#include "nibble/ops/gemm_mxfp4_e4m3/gemm_mxfp4_e4m3.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/gemm_nvfp4_nvfp4.h"
#include "nibble/ops/quantise_rows/quantise_rows.h"
#include "nibble/runtime/buffer.h"
#include "nibble/runtime/error.h"

namespace nibble {

// Keeps what it has rounded until it is asked again.
class RoundedRows {
 public:
  explicit RoundedRows(const Machine& machine) : machine_(machine) {}

  // Sets what args say of x.
  template <class Args>
  void round(MatrixView<const float> x, Args& args, Pool* pool) {
    using X = std::remove_cvref_t<decltype(*args.x)>;
    if constexpr (std::is_same_v<X, float>) {
      args.x = x.data, args.ldx = x.stride;
    } else {
      X* codes = keep<X>(codes_, x.rows * x.cols);
      args.x = codes;
      if constexpr (std::is_same_v<X, bf16> || std::is_same_v<X, fp16>)
        parallel_for(pool, x.rows, 1, [&](int64_t t, int64_t) {
          for (int64_t k = 0; k < x.cols; ++k) narrow(x(t, k), codes[t * x.cols + k]);
        });
      else
        encode(x, codes, args, {.pool = pool});
    }
  }

 private:
  template <class T>
  static T* keep(Buffer<std::byte>& buffer, int64_t count) {
    const int64_t bytes = count * int64_t(sizeof(T));
    if (buffer.size() < bytes) buffer = Buffer<std::byte>(bytes);
    return reinterpret_cast<T*>(buffer.data());
  }
  template <class Op>
  void run(const typename Op::Args& a, const Exec& e) {
    throw_if(nibble::run<Op>(a, machine_, e));
  }
  static void narrow(float x, bf16& to) { to = to_bf16(x); }
  static void narrow(float x, fp16& to) { to = to_fp16(x); }
  // Encoders read rows without gaps.
  const float* dense(MatrixView<const float> x) {
    if (x.stride == x.cols || x.rows == 1) return x.data;
    float* to = keep<float>(dense_, x.rows * x.cols);
    for (int64_t t = 0; t < x.rows; ++t) std::copy_n(x.row(t), x.cols, to + t * x.cols);
    return to;
  }

  // int8 and int16.
  template <class X, class Args>
  void encode(MatrixView<const float> x, X* codes, Args& args, const Exec& e) {
    quantise_rows::Args q{.rows = x.rows,
                          .cols = x.cols,
                          .ldx = x.stride,
                          .code = DTypeOf<X>::value,
                          .x = x.data,
                          .scales = keep<float>(scales_, x.rows)};
    if constexpr (std::is_same_v<X, int8_t>)
      q.codes_s8 = codes;
    else
      q.codes_s16 = codes;
    run<quantise_rows::Op>(q, e);
    args.x_scale = q.scales;
  }

  // A tensor scale for each row, from its own greatest magnitude.
  void encode(MatrixView<const float> x, e2m1x2* codes, gemm_nvfp4_nvfp4::Args& args,
              const Exec& e) {
    float* scales = keep<float>(scales_, x.rows);
    e4m3* blocks = keep<e4m3>(blocks_, x.rows * (x.cols / kNvfp4Block));
    run<encode_rows::Op>({.rows = x.rows,
                          .cols = x.cols,
                          .x = dense(x),
                          .to = {.codes = reinterpret_cast<uint8_t*>(codes),
                                 .block_scales = reinterpret_cast<uint8_t*>(blocks),
                                 .scales = scales}},
                         e);
    args.x_scale = scales, args.x_blocks = blocks;
  }

  // MXFP8.
  void encode(MatrixView<const float> x, e4m3* codes, gemm_mxfp4_e4m3::Args& args, const Exec& e) {
    ue8m0* scales = keep<ue8m0>(blocks_, x.rows * (x.cols / kMxBlock));
    run<encode_mx::Op>({.rows = x.rows,
                        .cols = x.cols,
                        .format = MxFormat::e4m3,
                        .rule = MxScale::rceil,
                        .x = dense(x),
                        .codes = reinterpret_cast<uint8_t*>(codes),
                        .scales = scales},
                       e);
    args.x_scale = scales, args.x_block = kMxBlock;
  }

  // A scale for each row, or beside weights in tiles of 128 x 128 for each 128 columns.
  void encode(MatrixView<const float> x, e4m3* codes, gemm_fp8_e4m3::Args& args, const Exec& e) {
    const bool tiles = args.w_factors == cpu::Fp8Factors::blocks;
    const auto tile = tiles ? encode_fp8::Tile::row_128 : encode_fp8::Tile::row;
    const encode_fp8::Grid grid = encode_fp8::grid_of(tile, x.rows, x.cols);
    float* scales = keep<float>(scales_, grid.rows * grid.cols);
    run<encode_fp8::Op>({.rows = x.rows,
                         .cols = x.cols,
                         .tile = tile,
                         .x = dense(x),
                         .codes = codes,
                         .scales = scales},
                        e);
    args.x_factors = args.w_factors, args.x_scale = scales;
  }

  const Machine& machine_;
  Buffer<std::byte> codes_, blocks_, scales_, dense_;
};

// The factor of element k of token t.
template <class Args>
double rounded_factor(const Args& a, int64_t t, int64_t k) {
  if constexpr (requires { a.x_block; }) {
    return to_float(a.x_scale[t * (a.k / a.x_block) + k / a.x_block]);
  } else if constexpr (requires { a.x_blocks; }) {
    return double(to_float(a.x_blocks[t * (a.k / kNvfp4Block) + k / kNvfp4Block])) * a.x_scale[t];
  } else if constexpr (requires { a.x_factors; }) {
    const bool tiles = a.x_factors == cpu::Fp8Factors::blocks;
    return a.x_scale[tiles ? t * ((a.k + 127) / 128) + k / 128 : t];
  } else if constexpr (requires { a.x_scale; }) {
    return a.x_scale[t];
  } else {
    return 1;
  }
}

// x of args as numbers: [args.m][args.k].
template <class Args>
std::vector<double> rounded_values(const Args& a) {
  std::vector<double> values(size_t(a.m * a.k));
  for (int64_t t = 0; t < a.m; ++t)
    for (int64_t k = 0; k < a.k; ++k) {
      double code;
      if constexpr (requires { low(*a.x); }) {
        const auto pair = a.x[(t * a.ldx + k) / 2];
        code = to_float(k % 2 == 0 ? low(pair) : high(pair));
      } else if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(*a.x)>>) {
        code = a.x[t * a.ldx + k];
      } else {
        code = to_float(a.x[t * a.ldx + k]);
      }
      values[size_t(t * a.k + k)] = code * rounded_factor(a, t, k);
    }
  return values;
}

}  // namespace nibble
