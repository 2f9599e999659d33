#include "nibble/runtime/quantised.h"

#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "nibble/runtime/encode_rows.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"

namespace nibble {
namespace {

using encode_fp8::Tile;
using Shape = std::vector<int64_t>;
using ByName = std::map<std::string_view, const SourceTensor*>;

const SourceTensor* find(const ByName& all, const std::string& name) {
  const auto it = all.find(name);
  return it == all.end() ? nullptr : it->second;
}

std::string described(const SourceTensor& t) {
  return in_quotes(t.copy.name) + " " + std::string(t.format) + " " + listed(t.copy.shape);
}

int64_t count_of(const Shape& s) {
  int64_t n = 1;
  for (int64_t d : s) n *= d;
  return n;
}
Shape with_last(Shape s, int64_t last) {
  s.back() = last;
  return s;
}
// [N] or [N, 1] for [N, K].
bool per_row(const Shape& scales, const Shape& matrix) {
  Shape column = with_last(matrix, 1), flat = column;
  flat.pop_back();
  return scales == column || scales == flat;
}

bool is_byte(DType t) { return t == DType::u8 || t == DType::ue8m0; }
bool is_float(DType t) { return t == DType::f32 || t == DType::bf16; }

void make_fp4(QuantisedWeight& w, WeightFormat f, const Shape& shape) {
  w.encoding.format = f, w.encoding.element = MxFormat::e2m1, w.shape = shape;
}

// e4m3 codes of a matrix; false if the scales fit no format.
bool classify_e4m3(QuantisedWeight& w) {
  const Shape &c = w.codes->copy.shape, &s = w.scales->copy.shape;
  const DType type = w.scales->copy.type;
  Encoding& e = w.encoding;
  e.scale = type == DType::f32    ? Fp8Scale::f32
            : type == DType::bf16 ? Fp8Scale::bf16
                                  : Fp8Scale::ue8m0;
  const Shape blocks = {(w.rows() + 127) / 128, (w.cols() + 127) / 128};
  const bool block = c.size() == 2 && s == blocks;
  if (is_byte(type)) {
    const bool micro = c.back() % kMxBlock == 0 && s == with_last(c, c.back() / kMxBlock);
    if (micro && !(block && w.layout == Layout::deepseek)) {
      e.scale = Fp8Scale::f32;  // not of this format
      return e.format = WeightFormat::mxfp8, true;
    }
    e.format = WeightFormat::fp8_block, e.tile = Tile::square_128;
    return block && type == DType::ue8m0;
  }
  if (!is_float(type)) return false;
  e.format = WeightFormat::fp8;
  if (count_of(s) == 1 && s.size() <= 1) return e.tile = Tile::tensor, true;
  if (per_row(s, c)) return e.tile = Tile::row, true;
  e.format = WeightFormat::fp8_block, e.tile = Tile::square_128;
  return block;
}

// Sets encoding and shape from the parts; false if they fit no format.
bool classify(QuantisedWeight& w) {
  Shape c = w.codes->copy.shape;
  const Shape& s = w.scales->copy.shape;
  const DType code = w.codes->copy.type, scale = w.scales->copy.type;
  const bool f4 = w.codes->copy.stored == "F4";  // counts elements, not bytes
  if ((!w.codes->copy.stored.empty() && !f4) || !w.scales->copy.stored.empty() || c.size() < 2)
    return false;
  if (f4 && c.back() % 2 != 0) return false;
  if (f4) c.back() /= 2;
  w.shape = c;
  if (w.ternary) {
    int64_t t[3];
    if (w.ternary->data.size() != sizeof t) return false;
    std::memcpy(t, w.ternary->data.data(), sizeof t);
    w.encoding.format = WeightFormat::ternary;
    w.encoding.packing = t[2] == 4 ? TernaryPacking::two_bit : TernaryPacking::base3;
    w.shape.back() = t[1];
    return code == DType::u8 && scale == DType::f32 && count_of(s) == 1 && t[0] == w.rows() &&
           t[1] > 0 && (t[2] == 4 || t[2] == 5) &&
           ternary_row_bytes(w.encoding.packing, t[1]) == c.back();
  }
  if (w.layout == Layout::blocks) {
    Shape expected = c;
    expected.pop_back();
    make_fp4(w, WeightFormat::mxfp4, with_last(expected, expected.back() * kMxBlock));
    return code == DType::u8 && is_byte(scale) && c.back() == kMxBlock / 2 && s == expected;
  }
  if (code == DType::e4m3) return classify_e4m3(w);
  if (code == DType::e5m2) {
    w.encoding.format = WeightFormat::mxfp8, w.encoding.element = MxFormat::e5m2;
    return is_byte(scale) && c.back() % kMxBlock == 0 && s == with_last(c, c.back() / kMxBlock);
  }
  const bool nibbles = code == DType::u8 || (code == DType::i8 && w.layout == Layout::deepseek);
  if (nibbles && scale == DType::e4m3 && c.back() % 8 == 0 && s == with_last(c, c.back() / 8))
    return make_fp4(w, WeightFormat::nvfp4, with_last(c, c.back() * 2)), true;
  if (nibbles && is_byte(scale) && c.back() % 16 == 0 && s == with_last(c, c.back() / 16))
    return make_fp4(w, WeightFormat::mxfp4, with_last(c, c.back() * 2)), true;
  w.encoding.format = WeightFormat::int8;
  w.encoding.scale = scale == DType::bf16 ? Fp8Scale::bf16 : Fp8Scale::f32;
  return code == DType::i8 && is_float(scale) && per_row(s, c);
}

// The signs of the transform that rows went through.
void read_hadamard(QuantisedWeight& w) {
  if (!w.hadamard) return;
  int64_t signs = -1;
  if (w.hadamard->copy.type == DType::i64 && w.hadamard->data.size() == sizeof signs)
    std::memcpy(&signs, w.hadamard->data.data(), sizeof signs);
  if (signs < 0 || signs > 0xffff || w.cols() % 16 != 0)
    throw Error("tensor " + described(*w.hadamard) +
                " must be one I64 of 16 bits beside rows of 16 n: it holds signs of a transform");
  w.encoding.hadamard = uint16_t(signs);
}

void check(const QuantisedWeight& w, const std::string& wanted_tensor_scale) {
  if (w.encoding.format != WeightFormat::nvfp4) return;
  if (!w.tensor_scale)
    throw Error("tensor " + in_quotes(w.codes->copy.name) + " has block scales of NVFP4 and no " +
                in_quotes(wanted_tensor_scale));
  if (w.tensor_scale->copy.type != DType::f32 || count_of(w.tensor_scale->copy.shape) != 1)
    throw Error("tensor " + described(*w.tensor_scale) + " must be one F32: it is a tensor scale");
}

// The names of the parts of a weight in one layout.
struct Names {
  Layout layout;
  std::string matrix, scales, tensor_scale, input_scale, ternary, hadamard;
};

std::vector<Names> candidates(const std::string& name) {
  const auto stem = [&](std::string_view suffix) {
    return name.substr(0, name.size() - suffix.size());
  };
  std::vector<Names> c;
  if (name.ends_with(".weight_packed")) {
    const std::string p = stem(".weight_packed");
    c.push_back({Layout::compressed_tensors, p + ".weight", p + ".weight_scale",
                 p + ".weight_global_scale", p + ".input_global_scale", ""});
  }
  if (name.ends_with(".weight")) {
    const std::string p = stem(".weight");
    c.push_back({Layout::modelopt, name, p + ".weight_scale", p + ".weight_scale_2",
                 p + ".input_scale", ""});
    c.push_back({Layout::deepseek, name, p + ".weight_scale_inv", "", "", ""});
    c.push_back({Layout::deepseek, name, p + ".scale", "", "", ""});
  }
  if (name.ends_with("_blocks")) {
    const std::string p = stem("_blocks");
    c.push_back({Layout::blocks, p + ".weight", p + "_scales", "", "", ""});
  }
  c.push_back({Layout::plain, name, name + ".scale", name + ".global_scale", name + ".input_scale",
               name + ".ternary", name + ".hadamard"});
  return c;
}

// Scales of one value: modelopt has [] and [N], compressed-tensors [1] and [N, 1].
Layout told_apart(const QuantisedWeight& w) {
  if (w.layout != Layout::modelopt) return w.layout;
  switch (w.encoding.format) {
    case WeightFormat::int8:
    case WeightFormat::fp8_block:
      return Layout::compressed_tensors;
    case WeightFormat::fp8:
      return w.scales->copy.shape.size() == (w.encoding.tile == Tile::tensor ? 1u : w.shape.size())
                 ? Layout::compressed_tensors
                 : Layout::modelopt;
    default:
      return w.layout;
  }
}

std::optional<QuantisedWeight> weight_at(const SourceTensor& t, const ByName& all) {
  if (t.copy.shape.empty() || t.blocks) return {};
  for (const Names& n : candidates(t.copy.name)) {
    const SourceTensor* scales = find(all, n.scales);
    const bool packed = t.copy.name.ends_with(".weight_packed") && t.copy.type == DType::u8;
    if (!scales && (packed || (find(all, n.tensor_scale) && n.layout == Layout::modelopt)))
      throw Error("tensor " + in_quotes(t.copy.name) + " has no scales: " + in_quotes(n.scales) +
                  " is missing");
    const DType type = t.copy.type;
    if (!scales ||
        (type != DType::u8 && type != DType::i8 && type != DType::e4m3 && type != DType::e5m2))
      continue;
    QuantisedWeight w{.name = n.matrix,
                      .layout = n.layout,
                      .codes = &t,
                      .scales = scales,
                      .tensor_scale = find(all, n.tensor_scale),
                      .input_scale = find(all, n.input_scale),
                      .ternary = find(all, n.ternary),
                      .hadamard = find(all, n.hadamard)};
    if (t.copy.name.ends_with(".weight_packed") && t.copy.type != DType::u8) return {};
    if (!classify(w))
      throw Error("tensors " + described(t) + " and " + described(*scales) +
                  " are codes and scales of no known format: their dtypes or shapes do not fit");
    check(w, n.tensor_scale);
    read_hadamard(w);
    w.layout = told_apart(w);
    return w;
  }
  return {};
}

}  // namespace

std::vector<const SourceTensor*> QuantisedWeight::parts() const {
  std::vector<const SourceTensor*> there;
  for (const SourceTensor* part : {codes, scales, tensor_scale, input_scale, ternary, hadamard})
    if (part) there.push_back(part);
  return there;
}

int64_t QuantisedWeight::rows() const {
  int64_t n = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) n *= shape[i];
  return n;
}

float QuantisedWeight::stored_tensor_scale() const {
  float s = 1;
  if (tensor_scale) std::memcpy(&s, tensor_scale->data.data(), sizeof s);
  return s;
}
float QuantisedWeight::multiplier() const {
  const float s = stored_tensor_scale();
  return layout == Layout::compressed_tensors ? 1 / s : s;
}

Recognised recognise(const Source& source) {
  ByName all;
  for (const SourceTensor& t : source.tensors()) all[t.copy.name] = &t;
  Recognised r;
  std::set<const SourceTensor*> used;
  for (const SourceTensor& t : source.tensors())
    if (auto w = weight_at(t, all)) {
      for (const SourceTensor* part : w->parts()) used.insert(part);
      r.weights.push_back(std::move(*w));
    }
  for (const SourceTensor& t : source.tensors())
    if (!used.contains(&t)) r.others.push_back(&t);
  return r;
}

void decode_rows(const QuantisedWeight& w, int64_t begin, int64_t end, const Machine& machine,
                 Pool* pool, float* y) {
  const Parts parts = parts_of(w.encoding, w.rows(), w.cols());
  const auto piece = [](std::span<const std::byte> all, int64_t from, int64_t to) {
    const auto* p = reinterpret_cast<const uint8_t*>(all.data());
    return std::vector<uint8_t>(p + from, p + to);
  };
  EncodedRows rows;
  rows.codes = piece(w.codes->data, begin * parts.code_cols, end * parts.code_cols);
  const int64_t in_tile = parts.scale_rows == w.rows()                   ? 1
                          : w.encoding.format == WeightFormat::fp8_block ? 128
                                                                         : w.rows();
  const int64_t size = int64_t(w.scales->data.size()) / parts.scale_rows;
  const bool whole = in_tile == w.rows();
  rows.scales =
      whole ? piece(w.scales->data, 0, int64_t(w.scales->data.size()))
            : piece(w.scales->data, begin / in_tile * size, (end + in_tile - 1) / in_tile * size);
  RowEncoder::of_stored(w.encoding, w.multiplier(), rows.scales, machine, pool)
      .decode(rows, end - begin, w.cols(), y);
}

}  // namespace nibble
