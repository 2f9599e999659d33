// Our encoders and readers against bytes that other libraries made: make.py says which, and how.
#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "nibble/cpu/detect.h"
#include "nibble/numerics/fp16.h"
#include "nibble/numerics/scale_layout.h"
#include "nibble/ops/decode_ternary/decode_ternary.h"
#include "nibble/ops/encode_fp8/encode_fp8.h"
#include "nibble/ops/encode_mx/encode_mx.h"
#include "nibble/ops/encode_nvfp4/encode_nvfp4.h"
#include "nibble/ops/encode_ternary/encode_ternary.h"
#include "nibble/ops/hadamard16/hadamard16.h"
#include "nibble/ops/quantise_rows/quantise_rows.h"
#include "nibble/runtime/encode_rows.h"
#include "nibble/runtime/gguf.h"
#include "nibble/runtime/quantisation_config.h"
#include "nibble/runtime/quantised.h"
#include "nibble/runtime/safetensors.h"

namespace {

using namespace nibble;
using Bytes = std::vector<uint8_t>;

const std::filesystem::path kFolder =
    std::filesystem::path(NIBBLE_SOURCE_DIR) / "tests" / "goldens";

safetensors::Reader goldens(const std::string& name) {
  return safetensors::Reader(kFolder / (name + ".safetensors"));
}

template <class T>
std::vector<T> elements(const safetensors::Reader& file, const std::string& name) {
  const auto data = file.at(name).data;
  std::vector<T> out(data.size() / sizeof(T));
  std::memcpy(out.data(), data.data(), out.size() * sizeof(T));
  return out;
}

std::vector<float> floats_of_bf16(const safetensors::Reader& file, const std::string& name) {
  std::vector<float> out;
  for (bf16 x : elements<bf16>(file, name)) out.push_back(to_float(x));
  return out;
}

// inputs.large() of inputs.py.
constexpr int64_t kLargeRows = 512, kLargeColumns = 2048;
uint64_t splitmix(uint64_t i) {
  uint64_t z = 7 + (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}
std::vector<float> large(bool as_bf16) {
  std::vector<float> x(kLargeRows * kLargeColumns);
  for (uint64_t i = 0; i < x.size(); ++i) {
    const uint64_t h = splitmix(i);
    const uint64_t exponent = 115 + (splitmix(i / 32 * 32) >> 60) - (h >> 40 & 7);
    const auto bits = uint32_t((h & 0x7fffff) | exponent << 23 | h >> 63 << 31);
    x[i] = bit_cast<float>(as_bf16 ? bits & 0xffff0000u : bits);
  }
  return x;
}

struct Encoded {
  Bytes codes, scales;
};
template <class T>
T* as(Bytes& bytes, size_t size) {
  bytes.resize(size);
  return reinterpret_cast<T*>(bytes.data());
}

Nvfp4Recipe recipe_called(std::string_view name) {
  for (const NamedNvfp4Recipe& r : kNvfp4Recipes)
    if (r.name == name) return r.recipe;
  ADD_FAILURE() << "no recipe is called " << name;
  return {};
}

// Of a matrix whose rows have `cols` elements; `amax` has one element, or one for each row.
Encoded nvfp4(const Nvfp4Recipe& recipe, std::span<const float> x, size_t cols,
              std::span<const float> amax) {
  Encoded out;
  const Status status = run<encode_nvfp4::Op>({.rows = int64_t(x.size() / cols),
                                               .cols = int64_t(cols),
                                               .recipe = recipe,
                                               .per_row = amax.size() > 1,
                                               .x = x.data(),
                                               .amax = amax.data(),
                                               .codes = as<e2m1x2>(out.codes, x.size() / 2),
                                               .scales = as<e4m3>(out.scales, x.size() / 16)},
                                              cpu::this_machine());
  EXPECT_TRUE(status.ok()) << status.why();
  return out;
}

Encoded mx(MxFormat format, MxScale rule, std::span<const float> x) {
  Encoded out;
  const int64_t cols = 64, rows = int64_t(x.size()) / cols;
  const auto bytes = size_t(rows * mx_row_bytes(format, cols));
  const Status status = run<encode_mx::Op>({.rows = rows,
                                            .cols = cols,
                                            .format = format,
                                            .rule = rule,
                                            .x = x.data(),
                                            .codes = as<uint8_t>(out.codes, bytes),
                                            .scales = as<ue8m0>(out.scales, x.size() / 32)},
                                           cpu::this_machine());
  EXPECT_TRUE(status.ok()) << status.why();
  return out;
}

void expect_hash(const safetensors::Reader& file, const std::string& name, const void* data,
                 size_t bytes) {
  EXPECT_EQ(elements<uint64_t>(file, name).at(0), XXH64(data, bytes, 0)) << name;
}
void expect_large(const safetensors::Reader& file, const std::string& name, const Encoded& e) {
  expect_hash(file, "large." + name + ".codes", e.codes.data(), e.codes.size());
  expect_hash(file, "large." + name + ".scales", e.scales.data(), e.scales.size());
}

// The stored inputs of NVFP4 are tensors of 16 rows of 64; a mode has answers for the first so
// many.
template <class Encode>
void expect_tensors(const safetensors::Reader& file, const std::string& mode, Encode encode) {
  const auto x = elements<float>(file, "x");
  const auto codes = elements<uint8_t>(file, mode + ".codes");
  const auto scales = elements<uint8_t>(file, mode + ".scales");
  constexpr size_t kCount = 16 * 64;
  const size_t tensors = codes.size() / (kCount / 2);
  ASSERT_GE(tensors, 4u);
  for (size_t k = 0; k < tensors; ++k) {
    const Encoded e = encode(k, std::span(x).subspan(k * kCount, kCount));
    EXPECT_TRUE(std::equal(e.codes.begin(), e.codes.end(), &codes[k * kCount / 2]))
        << mode << ", codes of tensor " << k;
    EXPECT_TRUE(std::equal(e.scales.begin(), e.scales.end(), &scales[k * kCount / kNvfp4Block]))
        << mode << ", scales of tensor " << k;
  }
}

TEST(Goldens, Nvfp4) {
  const auto file = goldens("nvfp4");
  const auto x = large(false), x_bf16 = large(true);
  // Their name, ours.
  const std::pair<std::string, const char*> modes[] = {{"te", "te"},
                                                       {"vllm", "vllm"},
                                                       {"modelopt", "modelopt"},
                                                       {"torchao", "torchao"},
                                                       {"torchao_single", "torchao-single"},
                                                       {"ct_f32", "ct-f32"},
                                                       {"ct_bf16", "ct-bf16"},
                                                       {"4o6_mae_448", "4o6-te"},
                                                       {"4o6_mae_256", "4o6-te-mae-256"},
                                                       {"4o6_mse_448", "4o6-te-mse"},
                                                       {"4o6_mse_256", "4o6-te-mse-256"},
                                                       {"4o6_ref_mse", "4o6-ref"},
                                                       {"4o6_ref_mae", "4o6-ref-mae"},
                                                       {"4o6_ref_abs_max", "4o6-ref-abs-max"},
                                                       {"4o6_ref_static_6", "4o6-ref-static-6"}};
  for (const auto& [name, ours] : modes) {
    const Nvfp4Recipe recipe = recipe_called(ours);
    const bool has_scale = file.find(name + ".scale") != nullptr;
    const auto scale = has_scale ? elements<float>(file, name + ".scale") : std::vector<float>();
    expect_tensors(file, name, [&](size_t k, std::span<const float> t) {
      const float amax = amax_of(t.data(), int64_t(t.size()));
      if (has_scale) {
        EXPECT_EQ(nvfp4_tensor(recipe, amax).encode, scale[k]) << "scale of tensor " << k;
      }
      return nvfp4(recipe, t, 64, {&amax, 1});
    });
    const auto& input = name == "ct_bf16" ? x_bf16 : x;
    const float amax = amax_of(input.data(), int64_t(input.size()));
    expect_large(file, name, nvfp4(recipe, input, kLargeColumns, {&amax, 1}));
  }
}

// A tensor scale for each row instead.
TEST(Goldens, Nvfp4Rows) {
  const auto file = goldens("nvfp4");
  const auto encode = [](std::span<const float> x, size_t cols) {
    std::vector<float> amax;
    for (size_t r = 0; r < x.size(); r += cols) amax.push_back(amax_of(&x[r], int64_t(cols)));
    return nvfp4(recipe_called("te"), x, cols, amax);
  };
  expect_tensors(file, "te_rows", [&](size_t, std::span<const float> t) { return encode(t, 64); });
  expect_large(file, "te_rows", encode(large(false), kLargeColumns));
}

TEST(Goldens, Hadamard) {
  const auto file = goldens("nvfp4");
  const auto x = elements<float>(file, "hadamard.x"), theirs = elements<float>(file, "hadamard.y");
  std::vector<float> y(x.size());
  const Status status = run<hadamard16::Op>(
      {.rows = int64_t(x.size() / 16), .cols = 16, .x = x.data(), .y = y.data()},
      cpu::this_machine());
  ASSERT_TRUE(status.ok()) << status.why();
  EXPECT_EQ(y, theirs);
}

TEST(Goldens, Mx) {
  const auto file = goldens("mx");
  const auto x = floats_of_bf16(file, "x"), odd = floats_of_bf16(file, "not_finite.x");
  const auto x_large = large(true);
  const std::pair<std::string, MxFormat> formats[] = {
      {"mxfp4", MxFormat::e2m1}, {"mxfp8_e4m3", MxFormat::e4m3}, {"mxfp8_e5m2", MxFormat::e5m2}};
  const std::pair<std::string, MxScale> rules[] = {{"floor", MxScale::floor},
                                                   {"ceil", MxScale::ceil},
                                                   {"even", MxScale::even},
                                                   {"rceil", MxScale::rceil}};
  for (const auto& [format_name, format] : formats)
    for (const auto& [rule_name, rule] : rules) {
      const std::string name = format_name + "." + rule_name;
      const Encoded e = mx(format, rule, x);
      EXPECT_EQ(e.codes, elements<uint8_t>(file, name + ".codes")) << name;
      EXPECT_EQ(e.scales, elements<uint8_t>(file, name + ".scales")) << name;
      EXPECT_EQ(mx(format, rule, odd).scales,
                elements<uint8_t>(file, "not_finite." + name + ".scales"))
          << name;
      expect_large(file, name, mx(format, rule, x_large));
    }
}

// 128 x 4 scales in both directions, pads included.
TEST(Goldens, ScaleLayouts) {
  const auto file = goldens("layouts");
  int shapes = 0;
  for (const auto& t : file.tensors()) {
    if (!t.name.ends_with(".linear")) continue;
    const std::string shape = t.name.substr(0, t.name.size() - 7);
    const auto linear = elements<uint8_t>(file, t.name);
    const auto blocked = elements<uint8_t>(file, shape + ".blocked");
    const int64_t rows = t.shape.at(0), cols = t.shape.at(1);
    ASSERT_EQ(scale_bytes_128x4(rows, cols), int64_t(blocked.size())) << shape;
    Bytes there(blocked.size()), back(linear.size());
    scales_to_128x4(linear.data(), rows, cols, there.data());
    scales_from_128x4(blocked.data(), rows, cols, back.data());
    EXPECT_EQ(there, blocked) << shape;
    EXPECT_EQ(back, linear) << shape;
    ++shapes;
  }
  EXPECT_EQ(shapes, 6);
}

// One scale for the tensor, for a row, for 128 x 128.
TEST(Goldens, Fp8) {
  using encode_fp8::Tile;
  const auto file = goldens("fp8");
  const auto x = large(false);
  const float amax = amax_of(x.data(), int64_t(x.size()));
  const std::pair<std::string, Tile> tiles[] = {
      {"tensor", Tile::tensor}, {"channel", Tile::row}, {"block", Tile::square_128}};
  for (const auto& [name, tile] : tiles) {
    const auto theirs = elements<float>(file, "large." + name + ".scales");
    const auto grid = encode_fp8::grid_of(tile, kLargeRows, kLargeColumns);
    ASSERT_EQ(int64_t(theirs.size()), grid.rows * grid.cols) << name;
    std::vector<float> scales(theirs.size());
    Bytes codes;
    const Status status = run<encode_fp8::Op>({.rows = kLargeRows,
                                               .cols = kLargeColumns,
                                               .tile = tile,
                                               .x = x.data(),
                                               .amax = tile == Tile::tensor ? &amax : nullptr,
                                               .codes = as<e4m3>(codes, x.size()),
                                               .scales = scales.data()},
                                              cpu::this_machine());
    ASSERT_TRUE(status.ok()) << status.why();
    EXPECT_EQ(scales, theirs) << name;
    expect_hash(file, "large." + name + ".codes", codes.data(), codes.size());
  }
}

struct Int8Rows {
  std::vector<int8_t> codes;
  std::vector<float> scales;
};
Int8Rows int8_rows(std::span<const float> x, int64_t cols) {
  const int64_t rows = int64_t(x.size()) / cols;
  Int8Rows out{std::vector<int8_t>(x.size()), std::vector<float>(size_t(rows))};
  const Status status = run<quantise_rows::Op>({.rows = rows,
                                                .cols = cols,
                                                .ldx = cols,
                                                .code = DType::i8,
                                                .x = x.data(),
                                                .codes_s8 = out.codes.data(),
                                                .scales = out.scales.data()},
                                               cpu::this_machine());
  EXPECT_TRUE(status.ok()) << status.why();
  return out;
}

TEST(Goldens, Int8) {
  const auto file = goldens("int8");
  const Int8Rows rows = int8_rows(elements<float>(file, "x"), 64);
  EXPECT_EQ(rows.codes, elements<int8_t>(file, "codes"));
  EXPECT_EQ(rows.scales, elements<float>(file, "scales"));
  const Int8Rows large_rows = int8_rows(large(false), kLargeColumns);
  EXPECT_EQ(large_rows.scales, elements<float>(file, "large.scales"));
  expect_hash(file, "large.codes", large_rows.codes.data(), large_rows.codes.size());
}

// In both packings: codes, and what they decode to.
void expect_ternary(std::span<const float> x, int64_t cols, float gamma,
                    std::span<const int8_t> theirs) {
  const int64_t rows = int64_t(x.size()) / cols;
  for (TernaryPacking packing : {TernaryPacking::two_bit, TernaryPacking::base3}) {
    const int64_t row_bytes = ternary_row_bytes(packing, cols);
    const int in_byte = ternaries_in_byte(packing);
    Bytes codes(size_t(rows * row_bytes));
    Status status = run<encode_ternary::Op>({.rows = rows,
                                             .cols = cols,
                                             .packing = packing,
                                             .x = x.data(),
                                             .gamma = &gamma,
                                             .codes = codes.data()},
                                            cpu::this_machine());
    ASSERT_TRUE(status.ok()) << status.why();
    std::vector<float> y(x.size());
    status = run<decode_ternary::Op>({.rows = rows,
                                      .cols = cols,
                                      .packing = packing,
                                      .codes = codes.data(),
                                      .gamma = &gamma,
                                      .y = y.data()},
                                     cpu::this_machine());
    ASSERT_TRUE(status.ok()) << status.why();
    for (int64_t i = 0; i < rows * cols; ++i) {
      const int64_t c = i % cols;
      const uint8_t byte = codes[size_t(i / cols * row_bytes + c / in_byte)];
      ASSERT_EQ(ternary_at(packing, byte, int(c % in_byte)), theirs[size_t(i)]) << i;
      ASSERT_EQ(y[size_t(i)], theirs[size_t(i)] * gamma) << i;
    }
  }
}

TEST(Goldens, Ternary) {
  const auto file = goldens("ternary");
  for (const std::string part : {"exact", "other"}) {
    const auto x = elements<float>(file, part + ".x"),
               gamma = elements<float>(file, part + ".gamma");
    const auto weights = elements<int8_t>(file, part + ".weights");
    const size_t count = x.size() / gamma.size();
    for (size_t k = 0; k < gamma.size(); ++k) {
      const auto t = std::span(x).subspan(k * count, count);
      const int64_t cols = file.at(part + ".x").shape.at(2);
      if (part == "exact") {
        TensorFacts facts;
        facts.add(t.data(), int64_t(count) / cols, cols, cpu::this_machine(), nullptr);
        EXPECT_EQ(ternary_gamma(facts.sum, facts.count), gamma[k]) << "mean of tensor " << k;
      }
      expect_ternary(t, cols, gamma[k], std::span(weights).subspan(k * count, count));
    }
  }
}

TEST(Goldens, TernaryBytes) {
  const auto file = goldens("ternary");
  const auto weights = elements<int8_t>(file, "bytes.weights");
  for (const auto& [name, packing] : {std::pair("bytes.two_bit", TernaryPacking::two_bit),
                                      std::pair("bytes.base3", TernaryPacking::base3)}) {
    const auto theirs = elements<uint8_t>(file, name);
    const auto n = size_t(ternaries_in_byte(packing));
    ASSERT_EQ(theirs.size() * n, weights.size()) << name;
    for (size_t i = 0; i < theirs.size(); ++i) {
      EXPECT_EQ(pack_ternaries(packing, &weights[i * n], int(n)), theirs[i]) << name << " " << i;
      for (size_t j = 0; j < n; ++j)
        EXPECT_EQ(ternary_at(packing, theirs[i], int(j)), weights[i * n + j]) << name << " " << i;
    }
  }
}

// Floats of one sign each: how many others lie between.
int64_t distance(float a, float b) {
  return std::signbit(a) != std::signbit(b)
             ? INT64_MAX
             : std::abs(int64_t(float_bits(a)) - int64_t(float_bits(b)));
}

// A checkpoint that a library wrote: what it is is found, and it decodes to what the library says.
void expect_checkpoint(const std::string& name, Layout layout, const std::string& method) {
  const Source source(kFolder / name);
  EXPECT_EQ(read_quantisation_config(source.config(), "config.json").method, method);
  const Recognised found = recognise(source);
  EXPECT_EQ(found.weights.size(), 7u);
  EXPECT_EQ(found.others.size(), 4u);  // norms and embeddings: no scale is left over
  const auto file = goldens("checkpoints");
  int hashes = 0, floats = 0;
  for (const QuantisedWeight& w : found.weights) {
    const std::string what = name + "." + w.name;
    const bool int8 = layout == Layout::compressed_tensors && w.name.ends_with("down_proj.weight");
    EXPECT_EQ(w.layout, layout) << what;
    EXPECT_EQ(w.encoding.format, int8 ? WeightFormat::int8 : WeightFormat::nvfp4) << what;
    EXPECT_EQ(w.input_scale != nullptr, layout == Layout::modelopt) << what;
    std::vector<float> y(size_t(w.rows() * w.cols()));
    decode_rows(w, 0, w.rows(), cpu::this_machine(), nullptr, y.data());
    if (layout == Layout::modelopt)
      for (float& v : y) v += 0.0f;  // code 8 is 0 there, not -0
    std::vector<bf16> narrow;
    for (float v : y) narrow.push_back(to_bf16(v));
    expect_hash(file, what + ".bf16", narrow.data(), narrow.size() * sizeof(bf16));
    if (file.find(what + ".f32_hash")) {
      expect_hash(file, what + ".f32_hash", y.data(), y.size() * sizeof(float));
      ++hashes;
    }
    if (file.find(what + ".f32")) {
      const auto theirs = elements<float>(file, what + ".f32");
      ASSERT_EQ(theirs.size(), y.size()) << what;
      for (size_t i = 0; i < y.size(); ++i)
        EXPECT_LE(distance(y[i], theirs[i]), 1) << what << " " << i;
      ++floats;
    }
  }
  EXPECT_EQ(hashes, 2) << name;
  EXPECT_EQ(floats, 1) << name;
}
TEST(Goldens, CheckpointOfCompressedTensors) {
  expect_checkpoint("ct_nvfp4_int8", Layout::compressed_tensors, "compressed-tensors");
}
TEST(Goldens, CheckpointOfModelopt) {
  expect_checkpoint("modelopt_nvfp4", Layout::modelopt, "modelopt");
}

TEST(Goldens, Gguf) {
  const auto file = goldens("ggml");
  const std::pair<std::string, gguf::Type> types[] = {{"Q8_0", gguf::Type::q8_0},
                                                      {"TQ1_0", gguf::Type::tq1_0},
                                                      {"TQ2_0", gguf::Type::tq2_0},
                                                      {"MXFP4", gguf::Type::mxfp4},
                                                      {"NVFP4", gguf::Type::nvfp4}};
  for (const auto& [name, type] : types) {
    const auto theirs = elements<uint32_t>(file, name + ".values");  // -0 is not 0
    std::vector<float> ours(theirs.size());
    gguf::dequantise(type, file.at(name + ".blocks").data, ours);
    for (size_t i = 0; i < ours.size(); ++i)
      ASSERT_EQ(float_bits(ours[i]), theirs[i]) << name << ", element " << i;
  }
  const auto amax = elements<float>(file, "ue4m3.amax");
  const auto scales = elements<uint8_t>(file, "ue4m3.scales");
  for (size_t i = 0; i < amax.size(); ++i)
    EXPECT_EQ(nvfp4_scale(Nvfp4::ggml, {}, amax[i]).bits, scales[i]) << amax[i];
}

// A NaN has no common code: there we say so ourselves, in numerics_test.
template <class To, class T>
void expect_casts(const std::string& name, To to, std::vector<T> theirs) {
  const auto file = goldens("fp8");
  const auto x = elements<float>(file, "x");
  ASSERT_EQ(x.size(), theirs.size());
  for (size_t i = 0; i < x.size(); ++i)
    if (!is_nan(x[i])) {
      EXPECT_EQ(to(x[i]).bits, theirs[i]) << name << " of " << x[i];
    }
}
TEST(Goldens, Casts) {
  const auto file = goldens("fp8");
  const auto bytes = [&](const char* name) { return elements<uint8_t>(file, name); };
  const auto words = [&](const char* name) { return elements<uint16_t>(file, name); };
  expect_casts(
      "e4m3", [](float v) { return to_e4m3_nan_on_overflow(v); }, bytes("float8_e4m3fn.ml_dtypes"));
  expect_casts(
      "e4m3, saturating", [](float v) { return to_e4m3_saturating(v); },
      bytes("float8_e4m3fn.torch"));
  expect_casts(
      "e5m2", [](float v) { return to_e5m2_inf_on_overflow(v); }, bytes("float8_e5m2.ml_dtypes"));
  expect_casts(
      "e5m2", [](float v) { return to_e5m2_inf_on_overflow(v); }, bytes("float8_e5m2.torch"));
  expect_casts(
      "bf16", [](float v) { return to_bf16(v); }, words("bfloat16.ml_dtypes"));
  expect_casts(
      "fp16", [](float v) { return to_fp16(v); }, words("float16.ml_dtypes"));
}

}  // namespace
