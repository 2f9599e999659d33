#include "nibble/runtime/weight_names.h"

#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"

namespace nibble {
namespace {

using encode_fp8::Tile;
using safetensors::Entry;

constexpr std::string_view kWeight = ".weight";

// "P" of "P.weight".
std::string stem_of(Layout layout, const std::string& name) {
  if (layout == Layout::plain) return name;
  if (!name.ends_with(kWeight) || name.size() == kWeight.size())
    throw Error("tensor " + in_quotes(name) + " cannot be in the layout " +
                std::string(to_string(layout)) +
                ", whose names end in .weight: --layout plain takes any name");
  return name.substr(0, name.size() - kWeight.size());
}

DType code_type(Layout layout, const Encoding& e) {
  switch (e.format) {
    case WeightFormat::mxfp8:
      return e.element == MxFormat::e5m2 ? DType::e5m2 : DType::e4m3;
    case WeightFormat::fp8:
    case WeightFormat::fp8_block:
      return DType::e4m3;
    case WeightFormat::int8:
      return DType::i8;
    default:
      return layout == Layout::deepseek ? DType::i8 : DType::u8;
  }
}

DType scale_type(Layout layout, const Encoding& e) {
  switch (e.format) {
    case WeightFormat::nvfp4:
      return DType::e4m3;
    case WeightFormat::mxfp4:
    case WeightFormat::mxfp8:  // modelopt and compressed-tensors keep the byte as a number
      return layout == Layout::plain || layout == Layout::deepseek ? DType::ue8m0 : DType::u8;
    default:
      return e.scale == Fp8Scale::f32    ? DType::f32
             : e.scale == Fp8Scale::bf16 ? DType::bf16
                                         : DType::ue8m0;
  }
}

// The shape of the scales; codes have `shape` but for the last dimension.
std::vector<int64_t> scale_shape(Layout layout, const Encoding& e,
                                 const std::vector<int64_t>& shape, const Parts& parts) {
  std::vector<int64_t> s = shape;
  switch (e.format) {
    case WeightFormat::ternary:
      return {1};
    case WeightFormat::fp8_block:
      return {parts.scale_rows, parts.scale_cols};
    case WeightFormat::fp8:
      if (e.tile == Tile::tensor)
        return layout == Layout::compressed_tensors ? std::vector<int64_t>{1}
                                                    : std::vector<int64_t>{};
      [[fallthrough]];
    case WeightFormat::int8:
      s.back() = 1;
      if (layout == Layout::modelopt) s.pop_back();
      return s;
    default:
      s.back() = parts.scale_cols;
      return s;
  }
}

}  // namespace

WeightEntries entries_of(Layout layout, const Encoding& e, const std::string& name,
                         const std::vector<int64_t>& shape) {
  if (!supports(layout, e.format))
    throw Error("the layout " + std::string(to_string(layout)) + " has no " +
                std::string(to_string(e.format)) + ": " +
                std::string(to_string(usual_layout(e.format))) + " has");
  if (e.scale == Fp8Scale::ue8m0 && layout == Layout::compressed_tensors)
    throw Error("the layout compressed-tensors keeps fp8-block scales as floats, not as ue8m0");
  if (e.element == MxFormat::e5m2 && layout != Layout::plain)
    throw Error("mxfp8 of e5m2 elements is kept by the layout plain alone");
  if (e.hadamard && layout != Layout::plain)
    throw Error(
        "rows that went through a Hadamard transform are kept by the layout plain alone: "
        "other programs would not undo it");
  if (e.format == WeightFormat::fp8_block && shape.size() != 2)
    throw Error("tensor " + in_quotes(name) + " of shape " + listed(shape) +
                " cannot be fp8-block: a matrix is needed");
  const std::string stem = stem_of(layout, name);
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
  const Parts parts = parts_of(e, rows, shape.back());
  std::vector<int64_t> code_shape = shape;
  code_shape.back() = parts.code_cols;

  WeightEntries w;
  w.codes = {name, code_type(layout, e), code_shape};
  w.scales = {"", scale_type(layout, e), scale_shape(layout, e, shape, parts)};
  const bool fp4 = e.format == WeightFormat::nvfp4 || e.format == WeightFormat::mxfp4;
  switch (layout) {
    case Layout::modelopt:
      w.scales.name = stem + ".weight_scale";
      if (parts.tensor_scale) w.tensor_scale = {stem + ".weight_scale_2", DType::f32, {}};
      break;
    case Layout::compressed_tensors:
      if (fp4) w.codes.name = stem + ".weight_packed";
      w.scales.name = stem + ".weight_scale";
      if (parts.tensor_scale) w.tensor_scale = {stem + ".weight_global_scale", DType::f32, {1}};
      break;
    case Layout::deepseek:
      w.scales.name = w.scales.type == DType::ue8m0 ? stem + ".scale" : stem + ".weight_scale_inv";
      break;
    case Layout::blocks:
      w.codes.name = stem + "_blocks", w.scales.name = stem + "_scales";
      w.codes.shape.back() = parts.scale_cols;
      w.codes.shape.push_back(kMxBlock / 2);
      break;
    case Layout::plain:
      w.scales.name = name + ".scale";
      if (parts.tensor_scale) w.tensor_scale = {name + ".global_scale", DType::f32, {}};
      if (e.format == WeightFormat::ternary) w.ternary = {name + ".ternary", DType::i64, {3}};
      if (e.hadamard) w.hadamard = {name + ".hadamard", DType::i64, {1}};
      break;
  }
  return w;
}

}  // namespace nibble
