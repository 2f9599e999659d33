#include "nibble/runtime/weight_format.h"

#include <algorithm>

#include "nibble/runtime/error.h"

namespace nibble {
namespace {

using encode_fp8::Tile;

constexpr std::string_view kFormats[] = {"nvfp4",     "mxfp4", "mxfp8",  "fp8",
                                         "fp8-block", "int8",  "ternary"};
constexpr std::string_view kLayouts[] = {"modelopt", "compressed-tensors", "deepseek", "blocks",
                                         "plain"};
constexpr std::string_view kMxModes[] = {"rceil", "floor", "ceil", "even"};
constexpr std::string_view kMx8Modes[] = {"rceil",      "floor",      "ceil",      "even",
                                          "rceil-e5m2", "floor-e5m2", "ceil-e5m2", "even-e5m2"};
constexpr MxScale kMxRules[] = {MxScale::rceil, MxScale::floor, MxScale::ceil, MxScale::even};
constexpr std::string_view kFp8Modes[] = {"tensor", "row"};
constexpr std::string_view kBlockModes[] = {"f32", "bf16", "ue8m0"};
constexpr std::string_view kRowModes[] = {"row"};
constexpr std::string_view kTernaryModes[] = {"int2", "base3"};

template <class Names>
std::string listed(const Names& names) {
  std::string all;
  for (std::string_view n : names) all += (all.empty() ? "" : ", ") + std::string(n);
  return all;
}

template <class Enum, size_t n>
Enum parse(const std::string_view (&names)[n], std::string_view name, const char* what) {
  const auto* it = std::find(std::begin(names), std::end(names), name);
  if (it == std::end(names))
    throw Error("no " + std::string(what) + " is called '" + std::string(name) +
                "': " + listed(names) + " are");
  return Enum(it - names);
}

std::span<const std::string_view> names_of_modes(WeightFormat format) {
  switch (format) {
    case WeightFormat::mxfp4:
      return kMxModes;
    case WeightFormat::mxfp8:
      return kMx8Modes;
    case WeightFormat::fp8:
      return kFp8Modes;
    case WeightFormat::fp8_block:
      return kBlockModes;
    case WeightFormat::ternary:
      return kTernaryModes;
    default:
      return kRowModes;
  }
}

Encoding nvfp4_of(std::string_view mode, DType source) {
  if (mode == "ct") mode = source == DType::bf16 ? "ct-bf16" : "ct-f32";
  for (const NamedNvfp4Recipe& r : kNvfp4Recipes)
    if (r.name == mode) return {.mode = r.name, .recipe = r.recipe};
  throw Error("nvfp4 has no mode '" + std::string(mode) + "': " + modes_of(WeightFormat::nvfp4) +
              " are known");
}

}  // namespace

std::string_view to_string(WeightFormat f) { return kFormats[size_t(f)]; }
std::string_view to_string(Layout l) { return kLayouts[size_t(l)]; }
WeightFormat parse_weight_format(std::string_view name) {
  return parse<WeightFormat>(kFormats, name, "format");
}
Layout parse_layout(std::string_view name) { return parse<Layout>(kLayouts, name, "layout"); }

bool supports(Layout layout, WeightFormat f) {
  switch (layout) {
    case Layout::modelopt:
      return f == WeightFormat::nvfp4 || f == WeightFormat::fp8 || f == WeightFormat::mxfp8;
    case Layout::compressed_tensors:
      return f != WeightFormat::ternary;
    case Layout::deepseek:
      return f == WeightFormat::fp8_block || f == WeightFormat::mxfp4;
    case Layout::blocks:
      return f == WeightFormat::mxfp4;
    case Layout::plain:
      return true;
  }
  return false;
}

Layout usual_layout(WeightFormat f) {
  return f == WeightFormat::fp8_block ? Layout::deepseek
         : f == WeightFormat::ternary ? Layout::plain
         : f == WeightFormat::nvfp4   ? Layout::modelopt
                                      : Layout::compressed_tensors;
}

std::string modes_of(WeightFormat format) {
  if (format != WeightFormat::nvfp4) return listed(names_of_modes(format));
  std::string all;
  for (const NamedNvfp4Recipe& r : kNvfp4Recipes) all += std::string(r.name) + ", ";
  return all + "ct";
}

Encoding encoding_of(WeightFormat format, std::string_view mode, DType source) {
  if (format == WeightFormat::nvfp4) return nvfp4_of(mode.empty() ? "te" : mode, source);
  const auto names = names_of_modes(format);
  const auto it = mode.empty() ? names.begin() : std::find(names.begin(), names.end(), mode);
  if (it == names.end())
    throw Error(std::string(to_string(format)) + " has no mode '" + std::string(mode) +
                "': " + listed(names) + " are known");
  Encoding e{.format = format, .mode = *it};
  const auto i = size_t(it - names.begin());
  if (format == WeightFormat::mxfp4 || format == WeightFormat::mxfp8) e.rule = kMxRules[i % 4];
  if (format == WeightFormat::mxfp4) e.element = MxFormat::e2m1;
  if (format == WeightFormat::mxfp8 && i >= 4) e.element = MxFormat::e5m2;
  if (format == WeightFormat::fp8) e.tile = i == 0 ? Tile::tensor : Tile::row;
  if (format == WeightFormat::fp8_block) e.tile = Tile::square_128, e.scale = Fp8Scale(i);
  if (format == WeightFormat::ternary) e.packing = TernaryPacking(i);
  return e;
}

Parts parts_of(const Encoding& e, int64_t rows, int64_t cols) {
  switch (e.format) {
    case WeightFormat::nvfp4:
      return {cols / 2, rows, cols / kNvfp4Block, 1, true};
    case WeightFormat::mxfp4:
      return {cols / 2, rows, cols / kMxBlock, 1};
    case WeightFormat::mxfp8:
      return {cols, rows, cols / kMxBlock, 1};
    case WeightFormat::fp8:
    case WeightFormat::fp8_block: {
      const auto g = encode_fp8::grid_of(e.tile, rows, cols);
      const int bytes = e.scale == Fp8Scale::f32 ? 4 : e.scale == Fp8Scale::bf16 ? 2 : 1;
      return {cols, g.rows, g.cols, bytes};
    }
    case WeightFormat::int8:
      return {cols, rows, 1, 4};
    case WeightFormat::ternary:
      return {ternary_row_bytes(e.packing, cols), 1, 1, 4};
  }
  return {};
}

std::string refusal(WeightFormat f, int64_t cols) {
  const int block = f == WeightFormat::nvfp4                               ? kNvfp4Block
                    : f == WeightFormat::mxfp4 || f == WeightFormat::mxfp8 ? kMxBlock
                                                                           : 1;
  if (cols > 0 && cols % block == 0) return {};
  return "its rows have " + std::to_string(cols) + " elements, and " + std::string(to_string(f)) +
         " has blocks of " + std::to_string(block);
}

}  // namespace nibble
