// Products with checkpoints, against sums in double of what the checkpoints decode to.
#include "nibble/runtime/linear.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/embedding.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/quantise.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kRows = 137, kCols = 192;  // no whole panels, no whole tiles of 128 x 128

class LinearTest : public testing::Test {
 protected:
  LinearTest() {
    char name[] = "/tmp/nibble_linear_XXXXXX";
    folder = ::mkdtemp(name);
    Random rng(3);
    for (float& v : weights) v = rng.uniform(-1, 1);
    const safetensors::Tensor tensors[] = {
        {"up.weight", DType::f32, {kRows, kCols}, std::as_bytes(std::span(weights))}};
    safetensors::write(folder / "in.safetensors", tensors);
  }
  ~LinearTest() override { fs::remove_all(folder); }

  fs::path quantised(WeightFormat format, const std::string& mode = "") {
    const fs::path out = folder / (std::string(to_string(format)) + mode + ".safetensors");
    quantise(
        Source(folder / "in.safetensors"), out,
        {.format = format, .mode = mode, .layout = usual_layout(format), .include = {"*.weight"}},
        cpu::this_machine(), nullptr);
    return out;
  }

  fs::path folder;
  std::vector<float> weights = std::vector<float>(kRows * kCols);
};

std::vector<float> decoded(const Source& source) {
  std::vector<float> w(kRows * kCols);
  decode_rows(recognise(source).weights.at(0), 0, kRows, cpu::this_machine(), nullptr, w.data());
  return w;
}

// Relative L2 distance from the sums in double; from those of x as it was rounded there is none but
// that of sums in float, of kCols terms at most: less than sqrt(kCols) / 2 roundings. Rows of x and
// y lie farther apart than they are long, and what is between rows of y must stay.
double error_of(Linear& linear, const std::vector<float>& w, int64_t tokens, Pool* pool) {
  constexpr float kUntouched = 7;
  const int64_t ldx = kCols + 5, ldy = kRows + 3;
  std::vector<float> x(size_t(tokens * ldx)), y(size_t(tokens * ldy), kUntouched);
  Random rng(uint64_t(tokens) + 11);
  for (float& v : x) v = rng.uniform(-2, 2);
  linear(MatrixView<const float>(x.data(), tokens, kCols, ldx),
         MatrixView<float>(y.data(), tokens, kRows, ldy), pool);
  const std::vector<double> rounded = linear.rounded();
  double wrong = 0, wrong_sums = 0, all = 0;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t n = 0; n < ldy; ++n) {
      const float got = y[size_t(t * ldy + n)];
      if (n >= kRows) {
        EXPECT_EQ(got, kUntouched);
        continue;
      }
      double sum = 0, rounded_sum = 0;
      for (int64_t k = 0; k < kCols; ++k) {
        sum += double(w[size_t(n * kCols + k)]) * x[size_t(t * ldx + k)];
        rounded_sum += double(w[size_t(n * kCols + k)]) * rounded[size_t(t * kCols + k)];
      }
      wrong += (got - sum) * (got - sum), all += sum * sum;
      wrong_sums += (got - rounded_sum) * (got - rounded_sum);
    }
  EXPECT_LT(std::sqrt(wrong_sums / all), std::sqrt(kCols) / 2 * 0x1p-24) << linear.op();
  return std::sqrt(wrong / all);
}

// Of x uniform in +-2: its rounding error over its size. A step of int codes is 2 / most, and an
// error uniform in half of it: 1 / (most sqrt 12) against 1 / sqrt 3, half a step; twice that is
// out of reach of a sample so large. bf16 keeps 8 bits and e4m3 4: 2^-9 and 2^-5 are the most that
// rounding changes any value by. An e2m1 element is off by a sixth of the block's greatest at most,
// and by less than half of that in the mean.
double bound(Activations a) {
  switch (a) {
    case Activations::bf16:
      return 0x1p-9;
    case Activations::s16:
      return 2 * 0.5 / 32639;
    case Activations::e4m3:
      return 0x1p-5;
    case Activations::nvfp4:
      return 1.0 / 6;
    default:
      return 2 * 0.5 / 127;
  }
}

TEST_F(LinearTest, MultipliesByEveryFormatThatHasAnOp) {
  const auto pool = cpu::make_pool(2);
  for (const auto& [format, mode] :
       std::vector<std::pair<WeightFormat, std::string>>{{WeightFormat::nvfp4, ""},
                                                         {WeightFormat::mxfp4, ""},
                                                         {WeightFormat::fp8, "tensor"},
                                                         {WeightFormat::fp8, "row"},
                                                         {WeightFormat::fp8_block, "f32"},
                                                         {WeightFormat::fp8_block, "ue8m0"},
                                                         {WeightFormat::int8, ""},
                                                         {WeightFormat::ternary, ""},
                                                         {WeightFormat::ternary, "base3"}}) {
    const PackedWeights packed(quantised(format, mode), {.rows = 16});
    ASSERT_FALSE(activations_for(format).empty());
    EXPECT_EQ(Linear(packed.weights()[0], {}, cpu::this_machine()).activations(),
              activations_for(format).front());
    for (Activations a : activations_for(format)) {
      Linear linear(packed.weights()[0], a, cpu::this_machine());
      for (int64_t tokens : {1, 3, 20, 2}) {  // fewer, more, and fewer than before
        const double error = error_of(linear, decoded(packed.source()), tokens, pool.get());
        EXPECT_LT(error, bound(a)) << to_string(format) << " " << mode << " by " << to_string(a);
        EXPECT_GT(error, 0);
      }
    }
  }
}

// Both packings hold the same weights, and integer sums are the same in any order.
TEST_F(LinearTest, TernaryWeightsMultiplyToTheSameBitsInBothPackings) {
  const auto pool = cpu::make_pool(2);
  const PackedWeights int2(quantised(WeightFormat::ternary), {.rows = 16});
  const PackedWeights base3(quantised(WeightFormat::ternary, "base3"), {.rows = 16});
  Linear four(int2.weights()[0], {}, cpu::this_machine());
  Linear five(base3.weights()[0], {}, cpu::this_machine());
  EXPECT_EQ(four.op(), "gemm_ternary_s8");
  EXPECT_EQ(five.op(), "gemm_base3_s8");
  Random rng(4);
  for (int64_t tokens : {1, 2, 20}) {
    std::vector<float> x(size_t(tokens * kCols)), y(size_t(tokens * kRows)), z(y.size());
    fill_f32(x.data(), int64_t(x.size()), rng);
    const MatrixView<const float> in(x.data(), tokens, kCols);
    four(in, MatrixView<float>(y.data(), tokens, kRows), pool.get());
    five(in, MatrixView<float>(z.data(), tokens, kRows), pool.get());
    EXPECT_EQ(y, z) << tokens;
  }
}

TEST_F(LinearTest, KeepsWhatIsNotFiniteToItsToken) {
  for (WeightFormat format : {WeightFormat::nvfp4, WeightFormat::mxfp4, WeightFormat::fp8,
                              WeightFormat::fp8_block, WeightFormat::int8, WeightFormat::ternary}) {
    const PackedWeights packed(quantised(format), {.rows = 16});
    for (Activations a : activations_for(format))
      for (const float odd : {NAN, -INFINITY}) {
        Linear linear(packed.weights()[0], a, cpu::this_machine());
        std::vector<float> x(3 * kCols, 0.5f), y(3 * kRows);
        x[kCols + 7] = odd;
        linear(MatrixView<const float>(x.data(), 3, kCols), MatrixView<float>(y.data(), 3, kRows));
        const bool clamps =
            a == Activations::nvfp4 || (a == Activations::e4m3 && format == WeightFormat::mxfp4);
        for (int64_t i = 0; i < 3 * kRows; ++i) {
          const float v = y[size_t(i)];
          const bool there = i / kRows == 1;
          if (there && std::isinf(odd) && clamps) continue;
          EXPECT_EQ(std::isfinite(v), !there) << to_string(format) << " by " << to_string(a);
          EXPECT_TRUE(!there || !std::isnan(odd) || std::isnan(v)) << to_string(a);
        }
      }
  }
}

TEST(Activations, TheDefaultIsTheMostExactOfAFormat) {
  EXPECT_EQ(activations_for(WeightFormat::nvfp4).front(), Activations::s16);
  EXPECT_EQ(activations_for(WeightFormat::mxfp4).front(), Activations::s8);
  EXPECT_EQ(activations_for(WeightFormat::fp8).front(), Activations::bf16);
  EXPECT_EQ(activations_for(WeightFormat::fp8_block).front(), Activations::bf16);
  for (WeightFormat format : {WeightFormat::nvfp4, WeightFormat::mxfp4, WeightFormat::fp8})
    for (Activations a : activations_for(format))
      EXPECT_LE(bound(activations_for(format).front()), bound(a)) << to_string(a);
}

// The sums of a chain of fma in FP32 are off by 2^-24 of partial sums, of kCols in a row: less than
// sqrt(kCols) / 2 times that of the result. Rounding x to bf16 or fp16 is 2^-9 or 2^-12 of it.
TEST_F(LinearTest, MultipliesByWholeWeights) {
  const auto pool = cpu::make_pool(2);
  for (auto [type, step] :
       {std::pair{DType::f32, 0.0}, {DType::bf16, 0x1p-9}, {DType::fp16, 0x1p-12}}) {
    std::vector<float> values = weights;
    std::vector<uint16_t> narrow(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (type == DType::f32) continue;
      const bf16 b = to_bf16(values[i]);
      const fp16 h = to_fp16(values[i]);
      narrow[i] = type == DType::bf16 ? b.bits : h.bits;
      values[i] = type == DType::bf16 ? to_float(b) : to_float(h);
    }
    const auto bytes =
        type == DType::f32 ? std::as_bytes(std::span(values)) : std::as_bytes(std::span(narrow));
    const safetensors::Tensor tensors[] = {{"pad", DType::u8, {1}, bytes.first(1)},
                                           {"up.weight", type, {kRows, kCols}, bytes}};
    safetensors::write(folder / "whole.safetensors", tensors);
    const Source source(folder / "whole.safetensors");
    const WholeWeight whole = pack_whole(*source.find("up.weight"), pool.get());
    Linear linear(whole, cpu::this_machine());
    EXPECT_EQ(linear.activations(), activations_for(type));
    for (int64_t tokens : {1, 3, 20, 2}) {
      const double error = error_of(linear, values, tokens, pool.get());
      EXPECT_LT(error, step + std::sqrt(kCols) / 2 * 0x1p-24) << to_string(linear.activations());
      EXPECT_GT(error, step / 8);
    }
  }
}

TEST_F(LinearTest, AppliesScalesOfRowsThatAreBf16) {
  std::vector<int8_t> codes(kRows * kCols);
  std::vector<bf16> scales(kRows);
  Random rng(5);
  fill_i8(codes.data(), int64_t(codes.size()), rng);
  for (size_t i = 0; i < scales.size(); ++i) scales[i] = to_bf16(0.01f * float(i + 1));
  const safetensors::Tensor tensors[] = {
      {"up.weight", DType::i8, {kRows, kCols}, std::as_bytes(std::span(codes))},
      {"up.weight_scale", DType::bf16, {kRows, 1}, std::as_bytes(std::span(scales))}};
  safetensors::write(folder / "narrow.safetensors", tensors);
  const PackedWeights packed(folder / "narrow.safetensors", {.rows = 16});
  Linear linear(packed.weights()[0], {}, cpu::this_machine());
  EXPECT_LT(error_of(linear, decoded(packed.source()), 4, nullptr), bound(Activations::s8));
}

// Half a step of codes: of a row's greatest, the 65278th or the 254th part.
TEST_F(LinearTest, RowsOfATableAreRoundedAsTheyAreRead) {
  std::vector<fp16> halves(weights.size());
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = to_fp16(weights[i]);
  const auto bytes = std::as_bytes(std::span(halves));
  const safetensors::Tensor tensors[] = {{"embed.weight", DType::fp16, {kRows, kCols}, bytes},
                                         {"pad", DType::u8, {1}, bytes.first(1)}};
  safetensors::write(folder / "table.safetensors", tensors);
  const Source source(folder / "table.safetensors");
  const int32_t ids[] = {0, kRows - 1, 5, 5};
  for (auto [activations, most] : {std::pair{Activations::s16, 32639}, {Activations::s8, 127}}) {
    Embedding table(*source.find("embed.weight"), activations, cpu::this_machine());
    const encode_rows::Encoded rows = table(ids);
    for (size_t t = 0; t < std::size(ids); ++t)
      for (size_t k = 0; k < kCols; ++k) {
        const size_t at = t * kCols + k;
        const int code = most == 127 ? reinterpret_cast<const int8_t*>(rows.codes)[at]
                                     : reinterpret_cast<const int16_t*>(rows.codes)[at];
        EXPECT_NEAR(code * rows.scales[t], to_float(halves[size_t(ids[t]) * kCols + k]),
                    0.501f * rows.scales[t]);
        EXPECT_LE(rows.scales[t], 1.0f / float(most));
      }
    EXPECT_THROW(table(std::vector<int32_t>{kRows}), Error);
    EXPECT_THROW(table(std::vector<int32_t>{-1}), Error);
  }
  EXPECT_THROW(Embedding(*source.find("pad"), Activations::s16, cpu::this_machine()), Error);
  EXPECT_THROW(Embedding(source.tensors()[0], Activations::bf16, cpu::this_machine()), Error);
}

TEST_F(LinearTest, RefusesInOneSentence) {
  const auto error_of = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  const Machine& machine = cpu::this_machine();
  const fs::path file = quantised(WeightFormat::mxfp4);
  const PackedWeights mxfp4(file, {.rows = 16}), halves(file, {.rows = 8});
  const PackedWeights mxfp8(quantised(WeightFormat::mxfp8), {.rows = 16});
  EXPECT_EQ(error_of([&] { Linear(mxfp4.weights()[0], Activations::s16, machine); }),
            "tensor up.weight: no op multiplies mxfp4 by s16, but by s8, e4m3");
  EXPECT_EQ(error_of([&] { Linear(halves.weights()[0], {}, machine); }),
            "tensor up.weight: products read panels of 16 rows, not of 8");
  EXPECT_EQ(error_of([&] { Linear(mxfp8.weights()[0], {}, machine); }),
            "tensor up.weight: no op multiplies by mxfp8");
  const std::vector<int8_t> row(1 << 17);
  const std::vector<float> scale(1, 1.0f);
  const safetensors::Tensor wide[] = {
      {"up.weight", DType::i8, {1, 1 << 17}, std::as_bytes(std::span(row))},
      {"up.weight_scale", DType::f32, {1, 1}, std::as_bytes(std::span(scale))}};
  safetensors::write(folder / "wide.safetensors", wide);
  const PackedWeights int8(folder / "wide.safetensors", {.rows = 16});
  EXPECT_EQ(error_of([&] {
              const std::vector<float> long_x(row.size());
              float sum = 0;
              Linear(int8.weights()[0], {}, machine)(
                  MatrixView<const float>(long_x.data(), 1, 1 << 17),
                  MatrixView<float>(&sum, 1, 1));
            }),
            "tensor up.weight: gemm_int8_s8: k must be in 1..131071, got 131072");
  EXPECT_EQ(error_of([&] { pack_whole(mxfp8.source().tensors()[0]); }),
            "tensor up.weight: no op multiplies by F8_E4M3 of 2 dimensions");
  Linear linear(mxfp4.weights()[0], {}, machine);
  std::vector<float> x(kCols), y(kRows);
  EXPECT_EQ(error_of([&] {
              linear(MatrixView<const float>(x.data(), 1, kCols - 1),
                     MatrixView<float>(y.data(), 1, kRows));
            }),
            "tensor up.weight: x is 1 x 191 and y 1 x 137, but [tokens][192] and [tokens][137] are "
            "needed");
  EXPECT_EQ(error_of([&] { parse_activations("int8"); }),
            "activations are not rounded to 'int8', but to one of bf16, s16, s8, "
            "e4m3, nvfp4, fp16, f32");
}

}  // namespace
}  // namespace nibble
