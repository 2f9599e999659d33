// Encoding, decoding and scale layouts of matrices in memory.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <cstring>

#include "bindings.h"
#include "nibble/numerics/scale_layout.h"
#include "nibble/ops/decode_nvfp4/decode_nvfp4.h"
#include "nibble/ops/decode_ternary/decode_ternary.h"
#include "nibble/ops/encode_nvfp4/encode_nvfp4.h"
#include "nibble/ops/hadamard16/hadamard16.h"
#include "nibble/ops/magnitudes/magnitudes.h"
#include "nibble/runtime/encode_rows.h"
#include "nibble/runtime/weight_format.h"

namespace nibble::python {
namespace {

using Array = nb::ndarray<nb::ro>;
using FloatArray = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

struct Matrix {
  int64_t rows = 1, cols = 0;
  Floats x;
  int64_t count() const { return rows * cols; }
};

DType float_type(nb::dlpack::dtype t) {
  using Code = nb::dlpack::dtype_code;
  const auto is = [&](Code code, int bits) {
    return t.code == uint8_t(code) && t.bits == bits && t.lanes == 1;
  };
  if (is(Code::Float, 32)) return DType::f32;
  if (is(Code::Float, 16)) return DType::fp16;
  // NumPy has no bfloat16 that it could export: the Python layer shows such arrays as uint16.
  if (is(Code::Bfloat, 16) || is(Code::UInt, 16)) return DType::bf16;
  throw Error("the array's type is none of float32, float16 and bfloat16");
}

// Rows are all dimensions but the last, along which blocks lie.
Matrix matrix_of(const Array& a) {
  expect(a.device_type() == nb::device::cpu::value,
         "the array is not in the memory of the CPU: copy it there first");
  expect(a.ndim() > 0, "the array has no dimension, and blocks lie along one");
  Matrix m{.cols = int64_t(a.shape(a.ndim() - 1)), .x = {float_type(a.dtype()), a.data()}};
  int64_t stride = 1;
  for (size_t i = a.ndim(); i-- > 0;) {
    expect(a.shape(i) == 1 || a.stride(i) == stride,
           "the array is not contiguous: make a contiguous copy first");
    stride *= int64_t(a.shape(i));
    if (i + 1 < a.ndim()) m.rows *= int64_t(a.shape(i));
  }
  expect(m.count() > 0, "the array is empty");
  return m;
}

// Greatest magnitudes of all rows, or what the caller gives in their place.
std::vector<float> tensor_amax(const Matrix& m, const std::optional<FloatArray>& given,
                               bool per_row, Pool* pool) {
  const auto wanted = size_t(per_row ? m.rows : 1);
  if (given) {
    expect(given->size() == wanted, "amax has " + std::to_string(given->size()) +
                                        " elements, and there must be " + std::to_string(wanted));
    return {given->data(), given->data() + wanted};
  }
  std::vector<float> most(static_cast<size_t>(m.rows));
  throw_if(run<magnitudes::Op>({.rows = m.rows, .cols = m.cols, .x = m.x, .amax = most.data()},
                               cpu::this_machine(), {.pool = pool}));
  if (!per_row) most = {amax_of(most.data(), m.rows)};
  return most;
}

// Their tensor scale is 1, whatever the tensor.
bool has_tensor_scale(const Nvfp4Recipe& r) {
  return r.four_over_six || (r.mode != Nvfp4::torchao_single && r.mode != Nvfp4::ggml);
}

std::vector<float> encode_nvfp4_rows(const Encoding& e, const Matrix& m, bool per_row,
                                     const std::vector<float>& amax, const Stochastic& stochastic,
                                     EncodedRows& to, Pool* pool) {
  to.codes.resize(size_t(m.count() / 2));
  to.scales.resize(size_t(m.count() / kNvfp4Block));
  throw_if(run<encode_nvfp4::Op>({.rows = m.rows,
                                  .cols = m.cols,
                                  .recipe = e.recipe,
                                  .per_row = per_row,
                                  .stochastic = stochastic,
                                  .x = m.x,
                                  .amax = amax.data(),
                                  .codes = reinterpret_cast<e2m1x2*>(to.codes.data()),
                                  .scales = reinterpret_cast<e4m3*>(to.scales.data())},
                                 cpu::this_machine(), {.pool = pool}));
  std::vector<float> scales;
  for (float a : amax) scales.push_back(nvfp4_tensor(e.recipe, a).encode);
  return scales;
}

// codes [rows][bytes], scales [scale rows][bytes], tensor scales (of nvfp4), bytes of a scale, mode
using Quantized = std::tuple<NumpyBytes, NumpyBytes, NumpyFloats, int, std::string>;

Quantized quantize(const Array& array, const std::string& format, const std::string& mode,
                   bool per_row, const std::optional<FloatArray>& amax,
                   std::optional<uint64_t> stochastic_seed, int threads) {
  const Matrix m = matrix_of(array);
  const Encoding e = encoding_of(parse_weight_format(format), mode, m.x.type);
  const bool nvfp4 = e.format == WeightFormat::nvfp4;
  expect(nvfp4 || (!per_row && !amax), "only nvfp4 has per_row and amax, and not " + format);
  expect(!nvfp4 || has_tensor_scale(e.recipe) || (!per_row && !amax),
         "mode " + std::string(e.mode) + " has no tensor scale, and so no per_row and amax");
  expect(!stochastic_seed || (nvfp4 && can_round_stochastically(e.recipe)),
         format + " in mode " + std::string(e.mode) + " is rounded to nearest only");
  const Stochastic stochastic{.on = stochastic_seed.has_value(),
                              .seed = stochastic_seed.value_or(0)};
  if (const std::string why = refusal(e.format, m.cols); !why.empty())
    throw Error("the array cannot be " + format + ": " + why);
  EncodedRows to;
  std::vector<float> tensor_scales;
  {
    nb::gil_scoped_release release;
    const auto pool = pool_for(m.count(), threads);
    if (nvfp4) {
      tensor_scales = encode_nvfp4_rows(e, m, per_row, tensor_amax(m, amax, per_row, pool.get()),
                                        stochastic, to, pool.get());
    } else {
      TensorFacts facts;
      facts.add(m.x, m.rows, m.cols, cpu::this_machine(), pool.get());
      RowEncoder(e, facts, cpu::this_machine(), pool.get()).encode(m.x, m.rows, m.cols, to);
    }
  }
  const Parts parts = parts_of(e, m.rows, m.cols);
  const size_t scale_rows = size_t(parts.scale_rows), scale_bytes = to.scales.size() / scale_rows;
  const size_t count = tensor_scales.size();
  return {numpy(std::move(to.codes), {size_t(m.rows), size_t(parts.code_cols)}),
          numpy(std::move(to.scales), {scale_rows, scale_bytes}),
          numpy(std::move(tensor_scales), {count}), parts.scale_bytes, std::string(e.mode)};
}

// What codes times scales are multiplied by, of a tensor scale in the mode's own convention.
float multiplier(const Nvfp4Recipe& recipe, float scale) {
  const Nvfp4Tensor of_one = nvfp4_tensor(recipe, 1);
  return of_one.encode == of_one.decode ? scale : 1 / scale;
}

std::vector<uint8_t> copy_of(const Bytes& bytes) {
  return {bytes.data(), bytes.data() + bytes.size()};
}

void decode_rows(const Encoding& e, const Bytes& codes, const Bytes& scales,
                 const FloatArray& tensor_scales, int64_t rows, int64_t cols, float* y,
                 Pool* pool) {
  const Exec exec{.pool = pool};
  if (e.format == WeightFormat::nvfp4) {
    std::vector<float> decode;
    for (size_t i = 0; i < tensor_scales.size(); ++i)
      decode.push_back(multiplier(e.recipe, tensor_scales.data()[i]));
    return throw_if(run<decode_nvfp4::Op>({.rows = rows,
                                           .cols = cols,
                                           .per_row = decode.size() > 1,
                                           .codes = reinterpret_cast<const e2m1x2*>(codes.data()),
                                           .scales = reinterpret_cast<const e4m3*>(scales.data()),
                                           .decode = decode.data(),
                                           .y = y},
                                          cpu::this_machine(), exec));
  }
  if (e.format == WeightFormat::ternary) {
    float gamma = 0;
    std::memcpy(&gamma, scales.data(), sizeof gamma);
    return throw_if(run<decode_ternary::Op>({.rows = rows,
                                             .cols = cols,
                                             .packing = e.packing,
                                             .codes = codes.data(),
                                             .gamma = &gamma,
                                             .y = y},
                                            cpu::this_machine(), exec));
  }
  const EncodedRows from{copy_of(codes), copy_of(scales)};
  RowEncoder(e, {}, cpu::this_machine(), pool).decode(from, rows, cols, y);
}

NumpyFloats dequantize(const Bytes& codes, const Bytes& scales, const FloatArray& tensor_scales,
                       const std::string& format, const std::string& mode, int64_t cols,
                       int threads) {
  const Encoding e = encoding_of(parse_weight_format(format), mode, DType::f32);
  expect(codes.ndim() == 2 && scales.ndim() == 2, "codes and scales must have two dimensions");
  const auto rows = int64_t(codes.shape(0));
  if (const std::string why = refusal(e.format, cols); !why.empty())
    throw Error("the array cannot be " + format + ": " + why);
  const Parts parts = parts_of(e, rows, cols);
  const int64_t scale_bytes = parts.scale_rows * parts.scale_cols * parts.scale_bytes;
  const auto sizes = [&](const char* what, int64_t is, int64_t must) {
    expect(is == must, std::string(what) + " of " + std::to_string(rows) + " x " +
                           std::to_string(cols) + " " + format + " are " + std::to_string(must) +
                           " bytes, and not " + std::to_string(is));
  };
  expect(rows > 0, "the array is empty");
  sizes("the codes", int64_t(codes.size()), rows * parts.code_cols);
  sizes("the scales", int64_t(scales.size()), scale_bytes);
  const auto wanted = int64_t(tensor_scales.size());
  expect(e.format == WeightFormat::nvfp4 ? wanted == 1 || wanted == rows : wanted == 0,
         e.format == WeightFormat::nvfp4
             ? "nvfp4 has one global scale, or one for each of its " + std::to_string(rows) +
                   " rows, and not " + std::to_string(wanted)
             : format + " has no global scale");
  std::vector<float> y(size_t(rows * cols));
  {
    nb::gil_scoped_release release;
    const auto pool = pool_for(rows * cols, threads);
    decode_rows(e, codes, scales, tensor_scales, rows, cols, y.data(), pool.get());
  }
  return numpy(std::move(y), {size_t(rows), size_t(cols)});
}

NumpyFloats hadamard16(const Array& array, uint16_t signs, bool inverse, int threads) {
  const Matrix m = matrix_of(array);
  std::vector<float> y(size_t(m.count()));
  {
    nb::gil_scoped_release release;
    const auto pool = pool_for(m.count(), threads);
    throw_if(run<hadamard16::Op>({.rows = m.rows,
                                  .cols = m.cols,
                                  .signs = signs,
                                  .inverse = inverse,
                                  .x = m.x,
                                  .y = {DType::f32, y.data()}},
                                 cpu::this_machine(), {.pool = pool.get()}));
  }
  return numpy(std::move(y), {size_t(m.rows), size_t(m.cols)});
}

NumpyBytes pack_scales(const Bytes& scales) {
  expect(scales.ndim() == 2, "scales must have two dimensions");
  const auto rows = int64_t(scales.shape(0)), cols = int64_t(scales.shape(1));
  std::vector<uint8_t> packed(size_t(scale_bytes_128x4(rows, cols)));
  scales_to_128x4(scales.data(), rows, cols, packed.data());
  const size_t size = packed.size();
  return numpy(std::move(packed), {size});
}

NumpyBytes unpack_scales(const Bytes& packed, int64_t rows, int64_t cols) {
  expect(rows > 0 && cols > 0, "rows and cols must be positive");
  const int64_t must = scale_bytes_128x4(rows, cols);
  expect(int64_t(packed.size()) == must,
         "scales of " + std::to_string(rows) + " x " + std::to_string(cols) + " blocks are " +
             std::to_string(must) + " bytes in the layout 128x4, and not " +
             std::to_string(packed.size()));
  std::vector<uint8_t> scales(size_t(rows * cols));
  scales_from_128x4(packed.data(), rows, cols, scales.data());
  return numpy(std::move(scales), {size_t(rows), size_t(cols)});
}

}  // namespace

void bind_formats(nb::module_& m) {
  m.def("quantize", quantize, nb::arg("array").noconvert(), nb::arg("format"), nb::arg("mode"),
        nb::arg("per_row"), nb::arg("amax").none(), nb::arg("stochastic_seed").none(),
        nb::arg("threads"));
  m.def("dequantize", dequantize);
  m.def("hadamard16", hadamard16, nb::arg("array").noconvert(), nb::arg("signs"),
        nb::arg("inverse"), nb::arg("threads"));
  m.def("pack_scales", pack_scales);
  m.def("unpack_scales", unpack_scales);
  m.def("modes", [](const std::string& f) { return modes_of(parse_weight_format(f)); });
}

}  // namespace nibble::python
