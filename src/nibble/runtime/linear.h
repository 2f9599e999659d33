// A matrix of a checkpoint that multiplies:  y[t][n] = sum_k W[n][k] * x[t][k]
//
// x and y are floats. x is rounded, token by token, to what an op takes beside W: that is most of
// the error of the product, so it is named, and the default of a format is the most exact there is
// for it.
//
//   activations   x of a token                                beside weights in
//   bf16          bf16; products are exact                    nvfp4; fp8, fp8_block (default); bf16
//   s16           int16 and a float: the greatest is 32639    nvfp4 (default)
//   s8            int8 and a float: the greatest is 127       nvfp4; mxfp4, int8, ternary (default)
//   e4m3          MXFP8 for mxfp4; a float for the token,     mxfp4, fp8, fp8_block
//                 or for 128 columns beside fp8_block
//   nvfp4         NVFP4 with a tensor scale of its own        nvfp4
//   fp16, f32     halves; floats as they are                  fp16; f32
//
// A NaN in x makes NaN of its token and of no other. So does an infinity, or infinities, but where
// blocks of x have scales it is the greatest value of these (numerics/nvfp4.h, mx.h).
//
// The scales of W are applied where its sums are: a tensor scale and scales of rows are a factor of
// each row, never merged. A matrix [E, N, K] is multiplied as E * N rows.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/base/machine.h"
#include "nibble/base/parallel.h"
#include "nibble/base/view.h"
#include "nibble/runtime/packed.h"
#include "nibble/runtime/whole.h"

namespace nibble {

enum class Activations : uint8_t { bf16, s16, s8, e4m3, nvfp4, fp16, f32 };

std::string_view to_string(Activations);
Activations parse_activations(std::string_view);  // throws, naming all

// What x may be rounded to beside weights of a format, the default first. Empty: no op multiplies
// by the format.
std::span<const Activations> activations_for(WeightFormat);
Activations activations_for(DType whole);  // f32, bf16 or fp16: what such weights are themselves

// The factor of each row, or of each tile of 128 x 128: the checkpoint's scales as floats, or the
// tensor scale.
std::vector<float> factors_of(const PackedWeight&);

class Linear {
 public:
  // `weight` is in panels of 16 rows and outlives this. Without activations: the format's default.
  // Throws if no op takes the two together, or if no variant of it may run on the machine.
  Linear(const PackedWeight& weight, std::optional<Activations>, const Machine&);
  Linear(const WholeWeight& weight, const Machine&);  // outlives this, too
  ~Linear();
  Linear(Linear&&) noexcept;

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  Activations activations() const { return activations_; }
  std::string_view op() const;
  std::string_view variant(int64_t tokens) const;  // that multiplies so many

  // x [tokens][cols()], y [tokens][rows()], tokens >= 1. One call at a time: the rounded x is kept.
  void operator()(MatrixView<const float> x, MatrixView<float> y, Pool* = nullptr);
  // What the last call multiplied by, [tokens][cols()], while its x is there.
  std::vector<double> rounded() const;

 private:
  struct Product;
  template <class Op>
  struct ProductOf;
  static std::unique_ptr<Product> product_of(const PackedWeight&, Activations, const Machine&);
  static std::unique_ptr<Product> product_of(const WholeWeight&, const Machine&);

  std::string name_;
  int64_t rows_, cols_;
  Activations activations_;
  std::unique_ptr<Product> product_;
};

}  // namespace nibble
