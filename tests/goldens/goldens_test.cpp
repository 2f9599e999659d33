// Our encoders against bytes that other libraries made: make.py says which, and how.
#define XXH_INLINE_ALL
#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "nibble/numerics/absmax.h"
#include "nibble/numerics/four_over_six.h"
#include "nibble/numerics/fp16.h"
#include "nibble/numerics/mx.h"
#include "nibble/numerics/nvfp4.h"
#include "nibble/runtime/safetensors.h"

namespace {

using namespace nibble;
using Bytes = std::vector<uint8_t>;

safetensors::Reader goldens(const std::string& name) {
  return safetensors::Reader(std::filesystem::path(NIBBLE_SOURCE_DIR) / "tests" / "goldens" /
                             (name + ".safetensors"));
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

// NaN if there is one.
float amax(std::span<const float> x) {
  float greatest = 0;
  for (float v : x) {
    if (is_nan(v)) return v;
    greatest = std::max(greatest, std::fabs(v));
  }
  return greatest;
}

struct Encoded {
  Bytes codes, scales;
};
void put_e2m1(Bytes& packed, size_t i, e2m1 code) {
  if (i % 2 == 0) packed.push_back(code.bits);
  if (i % 2 == 1) packed.back() |= uint8_t(code.bits << 4);
}

Encoded nvfp4(Nvfp4 mode, std::span<const float> x, const Nvfp4Tensor& t) {
  Encoded out;
  for (size_t i = 0; i + kNvfp4Block <= x.size(); i += kNvfp4Block) {
    const auto block = x.subspan(i, kNvfp4Block);
    const e4m3 scale = nvfp4_scale(mode, t, amax(block));
    out.scales.push_back(scale.bits);
    for (size_t j = 0; j < block.size(); ++j)
      put_e2m1(out.codes, j, nvfp4_element(mode, t, scale, block[j]));
  }
  return out;
}

Encoded four_over_six_blocks(bool squared, float greatest_scale, std::span<const float> x) {
  const FourOverSix f{.squared = squared, .greatest_scale = greatest_scale, .amax = amax(x)};
  Encoded out;
  for (size_t i = 0; i + kNvfp4Block <= x.size(); i += kNvfp4Block) {
    const FourOverSixBlock b = four_over_six(f, &x[i]);
    out.scales.push_back(b.scale.bits);
    for (size_t j = 0; j < kNvfp4Block; ++j) put_e2m1(out.codes, j, b.codes[j]);
  }
  return out;
}

template <class Element>
Encoded mx(MxScale rule, std::span<const float> x) {
  Encoded out;
  for (size_t i = 0; i + kMxBlock <= x.size(); i += kMxBlock) {
    const auto block = x.subspan(i, kMxBlock);
    const ue8m0 scale = mx_scale<Element>(rule, amax(block));
    out.scales.push_back(scale.bits);
    for (size_t j = 0; j < block.size(); ++j) {
      const Element code = mx_element<Element>(scale, block[j]);
      if constexpr (std::is_same_v<Element, e2m1>)
        put_e2m1(out.codes, j, code);
      else
        out.codes.push_back(code.bits);
    }
  }
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
  const std::pair<const char*, Nvfp4> modes[] = {{"te", Nvfp4::te},
                                                 {"vllm", Nvfp4::vllm},
                                                 {"modelopt", Nvfp4::modelopt},
                                                 {"torchao", Nvfp4::torchao},
                                                 {"ct_f32", Nvfp4::ct_f32},
                                                 {"ct_bf16", Nvfp4::ct_bf16},
                                                 {"torchao_single", Nvfp4::torchao_single}};
  for (const auto& [name, mode] : modes) {
    const bool has_scale = file.find(std::string(name) + ".scale") != nullptr;
    const auto scale =
        has_scale ? elements<float>(file, std::string(name) + ".scale") : std::vector<float>();
    expect_tensors(file, name, [&, mode = mode](size_t k, std::span<const float> t) {
      const Nvfp4Tensor ours = nvfp4_tensor(mode, amax(t));
      if (has_scale) {
        EXPECT_EQ(ours.encode, scale[k]) << name << ", scale of tensor " << k;
      }
      return nvfp4(mode, t, ours);
    });
    const auto& input = mode == Nvfp4::ct_bf16 ? x_bf16 : x;
    expect_large(file, name, nvfp4(mode, input, nvfp4_tensor(mode, amax(input))));
  }
}

// A tensor scale for each row instead.
TEST(Goldens, Nvfp4Rows) {
  const auto file = goldens("nvfp4");
  const auto rows = [](std::span<const float> x, size_t columns) {
    Encoded all;
    for (size_t r = 0; r < x.size(); r += columns) {
      const auto row = x.subspan(r, columns);
      const Encoded e = nvfp4(Nvfp4::te, row, nvfp4_tensor(Nvfp4::te, amax(row)));
      all.codes.insert(all.codes.end(), e.codes.begin(), e.codes.end());
      all.scales.insert(all.scales.end(), e.scales.begin(), e.scales.end());
    }
    return all;
  };
  expect_tensors(file, "te_rows", [&](size_t, std::span<const float> t) { return rows(t, 64); });
  expect_large(file, "te_rows", rows(large(false), kLargeColumns));
}

TEST(Goldens, FourOverSix) {
  const auto file = goldens("nvfp4");
  const auto x = large(false);
  for (bool squared : {false, true})
    for (int greatest : {448, 256}) {
      const std::string name =
          std::string("4o6_") + (squared ? "mse_" : "mae_") + std::to_string(greatest);
      const auto encode = [&](size_t, std::span<const float> t) {
        return four_over_six_blocks(squared, float(greatest), t);
      };
      expect_tensors(file, name, encode);
      expect_large(file, name, encode(0, x));
    }
}

template <class Element>
void expect_mx(const std::string& form) {
  const auto file = goldens("mx");
  const auto x = floats_of_bf16(file, "x"), odd = floats_of_bf16(file, "not_finite.x");
  const auto x_large = large(true);
  const std::pair<const char*, MxScale> rules[] = {{"floor", MxScale::floor},
                                                   {"ceil", MxScale::ceil},
                                                   {"even", MxScale::even},
                                                   {"rceil", MxScale::rceil}};
  for (const auto& [rule_name, rule] : rules) {
    const std::string name = form + "." + rule_name;
    const Encoded e = mx<Element>(rule, x);
    EXPECT_EQ(e.codes, elements<uint8_t>(file, name + ".codes")) << name;
    EXPECT_EQ(e.scales, elements<uint8_t>(file, name + ".scales")) << name;
    EXPECT_EQ(mx<Element>(rule, odd).scales,
              elements<uint8_t>(file, "not_finite." + name + ".scales"))
        << name;
    expect_large(file, name, mx<Element>(rule, x_large));
  }
}
TEST(Goldens, Mxfp4) { expect_mx<e2m1>("mxfp4"); }
TEST(Goldens, Mxfp8E4m3) { expect_mx<e4m3>("mxfp8_e4m3"); }
TEST(Goldens, Mxfp8E5m2) { expect_mx<e5m2>("mxfp8_e5m2"); }

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
