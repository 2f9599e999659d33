// Feed-forward layers of a checkpoint, against sums in double of what its matrices decode to.
#include "nibble/runtime/feed_forward.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/quantise.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kCols = 224, kInner = 288;  // no whole panels, no whole tiles

// A layer whose gate, up and down have tensor scales of their own, 1 to 50 apart.
class FeedForwardTest : public testing::Test {
 protected:
  FeedForwardTest() {
    char name[] = "/tmp/nibble_feed_forward_XXXXXX";
    folder = ::mkdtemp(name);
    Random rng(9);
    std::vector<float> values[3];
    for (int i = 0; i < 3; ++i) {
      values[i].resize(kCols * kInner);
      const float most = i == 0 ? 0.3f : i == 1 ? 15 : 2;
      for (float& v : values[i]) v = rng.uniform(-most, most);
    }
    const auto bytes = [&](int i) { return std::as_bytes(std::span(values[i])); };
    const safetensors::Tensor tensors[] = {{"a.down.weight", DType::f32, {kCols, kInner}, bytes(2)},
                                           {"b.gate.weight", DType::f32, {kInner, kCols}, bytes(0)},
                                           {"c.up.weight", DType::f32, {kInner, kCols}, bytes(1)}};
    safetensors::write(folder / "in.safetensors", tensors);
    for (float& v : gamma) v = rng.uniform(0.5f, 2);
    pack(WeightFormat::nvfp4);
  }
  void pack(WeightFormat format, const std::string& mode = "") {
    const fs::path out = folder / (std::string(to_string(format)) + ".safetensors");
    fs::remove(out);
    quantise(
        Source(folder / "in.safetensors"), out,
        {.format = format, .mode = mode, .layout = usual_layout(format), .include = {"*.weight"}},
        cpu::this_machine(), nullptr);
    packed = std::make_unique<PackedWeights>(out, PackedWeights::Options{.rows = 16});
  }
  ~FeedForwardTest() override { fs::remove_all(folder); }

  FeedForward::Weights weights(bool with_gate = true) const {
    const auto all = packed->weights();
    return {.gate = with_gate ? &all[1] : nullptr, .up = &all[2], .down = &all[0], .gamma = gamma};
  }
  std::vector<double> product(size_t weight, const std::vector<double>& x) const {
    const Recognised found = recognise(packed->source());
    const QuantisedWeight& w = found.weights.at(weight);
    std::vector<float> decoded(size_t(w.rows() * w.cols()));
    decode_rows(w, 0, w.rows(), cpu::this_machine(), nullptr, decoded.data());
    std::vector<double> y(size_t(w.rows()));
    for (size_t n = 0; n < y.size(); ++n)
      for (size_t k = 0; k < x.size(); ++k) y[n] += double(decoded[n * x.size() + k]) * x[k];
    return y;
  }
  std::vector<double> expected(const float* x, bool with_gate) const {
    double squares = 0;
    for (int64_t k = 0; k < kCols; ++k) squares += double(x[k]) * x[k];
    std::vector<double> h(kCols);
    for (int64_t k = 0; k < kCols; ++k)
      h[size_t(k)] = x[k] / std::sqrt(squares / kCols + 1e-6) * gamma[size_t(k)];
    std::vector<double> up = product(2, h);
    if (with_gate) {
      const std::vector<double> gate = product(1, h);
      for (size_t i = 0; i < up.size(); ++i) up[i] *= gate[i] / (1 + std::exp(-gate[i]));
    } else {
      for (double& v : up) v *= (1 + std::tanh(0.7978845608 * (v + 0.044715 * v * v * v))) / 2;
    }
    return product(0, up);
  }

  fs::path folder;
  std::vector<float> gamma = std::vector<float>(kCols);
  std::unique_ptr<PackedWeights> packed;
};

// Rounding h is noise of a relative size r in gate and in up; silu(g) u has that of u and, since
// |g silu'(g)| <= 2 |silu(g)| but for few, twice that of g; rounding again adds r. A step of codes
// is 1 / most of a row's greatest, and that is at most 6 times the root mean square of the second
// rows: r is at most 6 / (most sqrt 12).
// GELU for silu(g) u has at most as much. A bf16 is off by 2^-9 at most, so its r is that of 1536
// steps: 6 / (1536 sqrt 12) = 2^-9 / sqrt 3. Elements of NVFP4 are off by a twelfth of their
// block's greatest at most, and by half a step of less where they are small: 16 steps, r = 0.11.
TEST_F(FeedForwardTest, IsThatOfDoublesButForTheRoundingOfActivations) {
  const auto pool = cpu::make_pool(2);
  struct Kind {
    WeightFormat format;
    bool with_gate;
    Activations activations;
    int most;
    std::string ops;
  };
  for (auto [format, with_gate, activations, most, ops] :
       {Kind{WeightFormat::nvfp4, true, Activations::s16, 32639, "3 x gemm_nvfp4_s16"},
        {WeightFormat::nvfp4, true, Activations::s8, 127, "dual_gemm_nvfp4_s8, gemm_nvfp4_s8"},
        {WeightFormat::nvfp4, true, Activations::nvfp4, 16,
         "dual_gemm_nvfp4_nvfp4, gemm_nvfp4_nvfp4"},
        {WeightFormat::nvfp4, false, Activations::nvfp4, 16, "2 x gemm_nvfp4_nvfp4"},
        {WeightFormat::nvfp4, false, Activations::s16, 32639, "2 x gemm_nvfp4_s16"},
        {WeightFormat::mxfp4, false, Activations::s8, 127, "2 x gemm_mxfp4_s8"},
        {WeightFormat::mxfp4, true, Activations::s8, 127, "dual_gemm_mxfp4_s8, gemm_mxfp4_s8"},
        {WeightFormat::int8, true, Activations::s8, 127, "dual_gemm_int8_s8, gemm_int8_s8"},
        {WeightFormat::int8, false, Activations::s8, 127, "2 x gemm_int8_s8"},
        {WeightFormat::ternary, true, Activations::s8, 127,
         "dual_gemm_ternary_s8, gemm_ternary_s8"},
        {WeightFormat::ternary, false, Activations::s8, 127, "2 x gemm_ternary_s8"},
        {WeightFormat::fp8, true, Activations::bf16, 1536, "dual_gemm_fp8_bf16, gemm_fp8_bf16"},
        {WeightFormat::fp8_block, true, Activations::bf16, 1536,
         "dual_gemm_fp8_bf16, gemm_fp8_bf16"}}) {
    pack(format);
    FeedForward layer(weights(with_gate), activations, cpu::this_machine());
    EXPECT_EQ(layer.ops(), ops);
    for (int64_t tokens : {1, 3, 20, 2}) {  // fewer, more, and fewer than before
      std::vector<float> x(size_t(tokens * kCols)), y(size_t(tokens * (kCols + 3)), 7.0f);
      Random rng{uint64_t(tokens)};
      for (float& v : x) v = rng.uniform(-2, 2);
      layer(MatrixView<const float>(x.data(), tokens, kCols),
            MatrixView<float>(y.data(), tokens, kCols, kCols + 3), pool.get());
      double wrong = 0, all = 0;
      for (int64_t t = 0; t < tokens; ++t) {
        const std::vector<double> want = expected(&x[size_t(t * kCols)], with_gate);
        for (int64_t k = 0; k < kCols; ++k) {
          const double exact = want[size_t(k)], off = y[size_t(t * (kCols + 3) + k)] - exact;
          wrong += off * off, all += exact * exact;
        }
        for (int64_t k = kCols; k < kCols + 3; ++k) EXPECT_EQ(y[size_t(t * (kCols + 3) + k)], 7);
      }
      const double error = std::sqrt(wrong / all);
      EXPECT_LT(error, 4 * 6 / (most * std::sqrt(12))) << ops;
      EXPECT_GT(error, 0.1 / most) << ops;
    }
  }
}

TEST_F(FeedForwardTest, RefusesWhatDoesNotFit) {
  const auto refused = [&](FeedForward::Weights w, Activations a) {
    try {
      FeedForward(w, a, cpu::this_machine());
      return std::string("no error");
    } catch (const Error& e) {
      return std::string(e.what());
    }
  };
  FeedForward::Weights swapped = weights();
  std::swap(swapped.up, swapped.down);
  EXPECT_EQ(
      refused(swapped, Activations::s8),
      "tensor a.down.weight is nvfp4 224 x 288, its gate nvfp4 288 x 224 and down nvfp4 288 x "
      "224: no feed-forward layer");
  EXPECT_EQ(refused(weights(), Activations::bf16),
            "activations of a feed-forward layer in nvfp4 are not rounded to bf16, but to s16 or "
            "s8 or nvfp4");
  pack(WeightFormat::mxfp4);
  EXPECT_EQ(refused(weights(), Activations::s16),
            "activations of a feed-forward layer in mxfp4 are not rounded to s16, but to s8");
  pack(WeightFormat::fp8);
  EXPECT_EQ(refused(weights(), Activations::s8),
            "activations of a feed-forward layer in fp8 are not rounded to s8, but to bf16");
  EXPECT_EQ(refused(weights(false), Activations::bf16),
            "tensor c.up.weight: a feed-forward layer in fp8 has a gate; GELU rounds to codes of "
            "integers");
  pack(WeightFormat::mxfp8);
  EXPECT_EQ(refused(weights(), Activations::s8),
            "tensor c.up.weight: a feed-forward layer multiplies by matrices in nvfp4, mxfp4, fp8, "
            "int8 or ternary, in panels of 16 rows");
  pack(WeightFormat::ternary, "base3");
  EXPECT_EQ(refused(weights(), Activations::s8),
            "tensor c.up.weight: a feed-forward layer multiplies by ternary weights of mode int2, "
            "not base3");
  pack(WeightFormat::nvfp4);
  FeedForward layer(weights(), Activations::s16, cpu::this_machine());
  std::vector<float> x(2 * kCols), y(2 * kCols);
  EXPECT_THROW(layer(MatrixView<const float>(x.data(), 2, kCols - 16, kCols),
                     MatrixView<float>(y.data(), 2, kCols)),
               Error);
}

}  // namespace
}  // namespace nibble
