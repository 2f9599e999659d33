// encode_rows:  x[r][c]  ->  codes, block scales and a float for each row
//
// Activations as products with quantised weights read them, in any of these formats, with scales
// that a row has to itself: they go into the product's epilogue, row by row, and are never merged.
//
//   nvfp4    codes e2m1 two to a byte, block_scales e4m3 [cols / 16] by a recipe whose tensor is
//            the row; scales[r] is its tensor scale: value = element * block scale * scales[r]
//   mxfp4    codes e2m1 two to a byte, block_scales ue8m0 [cols / 32]; no scales
//   fp8      codes e4m3, scales[r] = amax / 448
//   fp8_128  codes e4m3, scales[r][cols / 128, rounded up], one for 128 columns
//   s8, s16  codes int8 or int16 (in the byte order of the machine), scales[r]
//
// Bytes are those of encode_nvfp4, encode_mx, encode_fp8 and quantise_rows, whose variant of the
// same name does the work a few rows at a time, so that a row is found in the cache by all passes
// over it; what becomes of zeros, infinities and NaN is said there. A variant here is these and
// nothing of its own; how it is proven covers the whole.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/mx.h"
#include "nibble/numerics/nvfp4_recipe.h"

namespace nibble::encode_rows {

enum class Format : uint8_t { nvfp4, mxfp4, fp8, fp8_128, s8, s16 };

struct NamedFormat {
  std::string_view name;
  Format format;
};
inline constexpr NamedFormat kFormats[] = {{"nvfp4", Format::nvfp4}, {"mxfp4", Format::mxfp4},
                                           {"fp8", Format::fp8},     {"fp8_128", Format::fp8_128},
                                           {"s8", Format::s8},       {"s16", Format::s16}};

// Where a row's codes and scales go: shared by the ops that make rows and encode them in one pass.
struct Encoded {
  Format format = Format::nvfp4;
  Nvfp4 recipe = Nvfp4::te;         // of nvfp4
  MxScale rule = MxScale::floor;    // of mxfp4
  uint8_t* codes = nullptr;         // [rows][code_bytes]
  uint8_t* block_scales = nullptr;  // [rows][cols / block], or absent
  float* scales = nullptr;          // [rows][floats], or absent
};

constexpr int64_t code_bytes(Format f, int64_t cols) {
  if (f == Format::nvfp4 || f == Format::mxfp4) return cols / 2;
  return f == Format::s16 ? 2 * cols : cols;
}
constexpr int64_t blocks_of(Format f, int64_t cols) {
  return f == Format::nvfp4 ? cols / 16 : f == Format::mxfp4 ? cols / 32 : 0;
}
constexpr int64_t floats_of(Format f, int64_t cols) {
  return f == Format::mxfp4 ? 0 : f == Format::fp8_128 ? (cols + 127) / 128 : 1;
}
constexpr int64_t row_bytes(Format f, int64_t cols) {
  return code_bytes(f, cols) + blocks_of(f, cols) + 4 * floats_of(f, cols);
}

// Of row r and those behind it.
inline Encoded from_row(Encoded to, int64_t r, int64_t cols) {
  to.codes += r * code_bytes(to.format, cols);
  if (to.block_scales) to.block_scales += r * blocks_of(to.format, cols);
  if (to.scales) to.scales += r * floats_of(to.format, cols);
  return to;
}

struct Args {
  int64_t rows = 0, cols = 0;  // cols: a multiple of 16, of 32 for mxfp4
  Floats x;                    // [rows][cols]
  Encoded to;
};

// For the ops that make rows: what is wrong with `to` or cols, or nothing; and its buffers.
Status check_encoded(std::string_view op, int64_t cols, const Encoded& to);
void visit(BufferVisitor&, Encoded& to, int64_t rows, int64_t cols);

// Rows of Args by the encoders' variants of that name. amax, if there, has the greatest magnitude
// of each row (of NaN: the quiet one), which need not be looked for then.
void encode(std::string_view variant, const Args&, const float* amax = nullptr);

struct Op {
  using Args = encode_rows::Args;
  static constexpr std::string_view name = "encode_rows";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 4 * a.rows * a.cols,
            .bytes = a.rows * (a.cols * bytes_of(a.x.type) + row_bytes(a.to.format, a.cols)),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::encode_rows
