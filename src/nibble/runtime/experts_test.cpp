// Layers of experts, against feed-forward layers of one expert, token by token.
#include "nibble/runtime/experts.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <utility>

#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/feed_forward.h"
#include "nibble/runtime/layer_names.h"
#include "nibble/runtime/quantise.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kCols = 96, kInner = 160;
constexpr int kExperts = 5;

class ExpertsTest : public testing::Test {
 protected:
  ExpertsTest() {
    char name[] = "/tmp/nibble_experts_XXXXXX";
    folder = ::mkdtemp(name);
    Random rng(4);
    for (int i = 0; i < 3 * kExperts + 1; ++i) {
      const bool down = i % 3 == 2, router = i == 3 * kExperts;
      const int64_t rows = router ? kExperts : down ? kCols : kInner, cols = down ? kInner : kCols;
      values[i].resize(size_t(rows * cols));
      const float most = router ? 1 : 0.1f * float(i + 1);  // a tensor scale of its own for each
      for (float& v : values[i]) v = rng.uniform(-most, most);
      const std::string matrix = std::string(i % 3 == 0 ? "gate" : i % 3 == 1 ? "up" : "down");
      names[i] = router ? "moe.gate.weight"
                        : "moe.experts." + std::to_string(i / 3) + "." + matrix + "_proj.weight";
      tensors.push_back({names[i], DType::f32, {rows, cols}, std::as_bytes(std::span(values[i]))});
    }
    safetensors::write(folder / "in.safetensors", tensors);
    for (float& v : gamma) v = rng.uniform(0.5f, 2);
    pack(WeightFormat::nvfp4);
  }
  ~ExpertsTest() override { fs::remove_all(folder); }

  void pack(WeightFormat format, const std::string& mode = "") {
    const fs::path out = folder / (std::string(to_string(format)) + ".safetensors");
    fs::remove(out);
    quantise(
        Source(folder / "in.safetensors"), out,
        {.format = format, .mode = mode, .layout = usual_layout(format), .include = {"*experts*"}},
        cpu::this_machine(), nullptr);
    packed = std::make_unique<PackedWeights>(out, PackedWeights::Options{.rows = 16});
  }
  const PackedWeight* weight(int expert, const std::string& matrix) const {
    const std::string name = "moe.experts." + std::to_string(expert) + "." + matrix + ".weight";
    for (const PackedWeight& w : packed->weights())
      if (w.name == name) return &w;
    return nullptr;
  }
  Experts::Weights weights(std::shared_ptr<Linear> router) const {
    Experts::Weights w{.router = std::move(router), .gamma = gamma};
    for (int e = 0; e < kExperts; ++e) {
      w.gate.push_back(weight(e, "gate_proj")), w.up.push_back(weight(e, "up_proj"));
      w.down.push_back(weight(e, "down_proj"));
    }
    return w;
  }

  fs::path folder;
  std::vector<float> values[3 * kExperts + 1], gamma = std::vector<float>(kCols);
  std::string names[3 * kExperts + 1];
  std::vector<safetensors::Tensor> tensors;
  std::unique_ptr<PackedWeights> packed;
};

// The grouped products are those of gemm_*, bit for bit, and so is all else of a layer: an expert's
// part of y is what a feed-forward layer of its matrices makes of the token. Those of fp4 sum gate
// and up together, and their silu may be rounded otherwise: by a code of 127.
TEST_F(ExpertsTest, AddUpWhatTheExpertsOfATokenMakeOfIt) {
  const auto pool = cpu::make_pool(2);
  const Source source(folder / "in.safetensors");
  const WholeWeight whole = pack_whole(*source.find("moe.gate.weight"));
  constexpr std::pair<WeightFormat, Activations> kKinds[] = {
      {WeightFormat::nvfp4, Activations::s8},      {WeightFormat::nvfp4, Activations::nvfp4},
      {WeightFormat::mxfp4, Activations::s8},      {WeightFormat::int8, Activations::s8},
      {WeightFormat::ternary, Activations::s8},    {WeightFormat::fp8, Activations::bf16},
      {WeightFormat::fp8_block, Activations::bf16}};
  for (auto [format, activations] : kKinds)
    for (bool routed : {true, false}) {
      pack(format);
      const auto router = routed ? std::make_shared<Linear>(whole, cpu::this_machine()) : nullptr;
      for (int top : {1, 2, kExperts}) {
        Experts layer(weights(router), top, activations, cpu::this_machine());
        for (int64_t tokens : {1, 40, 3}) {  // fewer, more, and fewer than before
          std::vector<float> x(size_t(tokens * kCols)), y(size_t(tokens * (kCols + 3)), 7.0f);
          Random rng{uint64_t(tokens)};
          for (float& v : x) v = rng.uniform(-2, 2);
          layer(MatrixView<const float>(x.data(), tokens, kCols),
                MatrixView<float>(y.data(), tokens, kCols, kCols + 3), pool.get());
          const Routes& routes = layer.routes();
          for (int64_t t = 0; t < tokens; ++t) {
            std::vector<float> want(kCols), part(kCols);
            double all = 0;
            for (int64_t i = t * top; i < (t + 1) * top; ++i) {
              const int e = routes.expert[size_t(i)];
              FeedForward expert({.gate = weight(e, "gate_proj"),
                                  .up = weight(e, "up_proj"),
                                  .down = weight(e, "down_proj"),
                                  .gamma = gamma},
                                 activations, cpu::this_machine());
              expert(MatrixView<const float>(&x[size_t(t * kCols)], 1, kCols),
                     MatrixView<float>(part.data(), 1, kCols));
              for (size_t k = 0; k < kCols; ++k) want[k] += routes.share[size_t(i)] * part[k];
              all += double(routes.share[size_t(i)]);
            }
            EXPECT_NEAR(all, 1, 1e-6);
            double wrong = 0, size = 0;
            for (size_t k = 0; k < kCols; ++k) {
              const double got = y[size_t(t) * (kCols + 3) + k];
              if (format != WeightFormat::nvfp4 && format != WeightFormat::mxfp4) {
                EXPECT_EQ(got, want[k]) << "token " << t;
              }
              wrong += (got - want[k]) * (got - want[k]), size += double(want[k]) * want[k];
            }
            EXPECT_LT(std::sqrt(wrong / size), 1.0 / 127);
            for (size_t k = kCols; k < kCols + 3; ++k) EXPECT_EQ(y[size_t(t) * (kCols + 3) + k], 7);
          }
        }
      }
    }
}

TEST_F(ExpertsTest, RouteByTheRouterOfTheNormalisedToken) {
  const Source source(folder / "in.safetensors");
  const WholeWeight whole = pack_whole(*source.find("moe.gate.weight"));
  Experts layer(weights(std::make_shared<Linear>(whole, cpu::this_machine())), 2, Activations::s8,
                cpu::this_machine());
  constexpr int64_t kTokens = 20;
  std::vector<float> x(kTokens * kCols), y(x.size());
  Random rng{8};
  for (float& v : x) v = rng.uniform(-2, 2);
  layer(MatrixView<const float>(x.data(), kTokens, kCols),
        MatrixView<float>(y.data(), kTokens, kCols));
  for (size_t t = 0; t < kTokens; ++t) {
    double squares = 0, logits[kExperts] = {};
    for (size_t k = 0; k < kCols; ++k) squares += double(x[t * kCols + k]) * x[t * kCols + k];
    for (size_t e = 0; e < kExperts; ++e)
      for (size_t k = 0; k < kCols; ++k)
        logits[e] += double(values[3 * kExperts][e * kCols + k]) * x[t * kCols + k] * gamma[k] /
                     std::sqrt(squares / kCols + 1e-6);
    const int32_t *chosen = &layer.routes().expert[2 * t], first = chosen[0], second = chosen[1];
    for (int e = 0; e < kExperts; ++e) {
      EXPECT_LE(logits[e], logits[first] + 1e-5);
      if (e != first) {
        EXPECT_LE(logits[e], logits[second] + 1e-5);
      }
    }
    EXPECT_NE(first, second);
    EXPECT_NEAR(layer.routes().share[2 * t], 1 / (1 + std::exp(logits[second] - logits[first])),
                1e-5);
  }
}

TEST_F(ExpertsTest, RoutesAreOfTheGreatestLogitsAndTheLowerNumber) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  const float logits[3][4] = {{1, 3, 3, 2}, {kNaN, -1, kNaN, -2}, {0, 0, 0, 0}};
  const Routes r = route(MatrixView<const float>(&logits[0][0], 3, 4), 2);
  EXPECT_EQ(r.expert, (std::vector<int32_t>{1, 2, 1, 3, 0, 1}));
  EXPECT_EQ(r.share[0], 0.5f);
  EXPECT_NEAR(r.share[3], 1 / (1 + std::exp(1.0)), 1e-7);
  const Routes three = route(MatrixView<const float>(&logits[1][0], 1, 4), 3);
  EXPECT_EQ(three.expert[2], 0);
  EXPECT_TRUE(std::isnan(three.share[2]));
}

TEST_F(ExpertsTest, RefuseWhatDoesNotFit) {
  const auto refused = [&](const Experts::Weights& w, int top,
                           Activations activations = Activations::s8) {
    try {
      Experts(w, top, activations, cpu::this_machine());
      return std::string("no error");
    } catch (const Error& e) {
      return std::string(e.what());
    }
  };
  EXPECT_EQ(refused(weights(nullptr), 6),
            "tensor moe.experts.0.up_proj.weight: a token has 1 to 5 of so many experts, not 6");
  EXPECT_EQ(refused(weights(nullptr), 2, Activations::bf16),
            "activations of experts in nvfp4 are not rounded to bf16, but to s8 or nvfp4");
  Experts::Weights swapped = weights(nullptr), mixed = swapped;
  std::swap(swapped.up, swapped.down), std::swap(mixed.up[2], mixed.down[2]);
  EXPECT_EQ(refused(swapped, 2),
            "tensor moe.experts.0.down_proj.weight is nvfp4 96 x 160, its gate nvfp4 160 x 96 and "
            "down nvfp4 160 x 96: no layer of experts");
  EXPECT_EQ(refused(mixed, 2),
            "tensor moe.experts.2.down_proj.weight is nvfp4 96 x 160, and "
            "moe.experts.0.up_proj.weight nvfp4 160 x 96: the experts of a layer are of one size "
            "and format");
  Experts::Weights routed = weights(
      std::make_shared<Linear>(*weight(0, "down_proj"), Activations::s8, cpu::this_machine()));
  EXPECT_EQ(refused(routed, 2),
            "tensor moe.experts.0.up_proj.weight: its router is 96 x 160, not 5 x 96");
  pack(WeightFormat::ternary, "base3");
  EXPECT_NE(refused(weights(nullptr), 2)
                .find("_proj.weight: experts multiply by ternary weights of mode int2, not base3"),
            std::string::npos);
}

TEST(LayerNamesTest, AreThoseOfTheModelsThatAreKnown) {
  const auto found = [](const std::vector<std::string>& names) {
    std::string all;
    for (const LayerNames& l : layers_of(names)) {
      all += l.name + (l.experts ? " experts" : "") + ":";
      if (!l.missing.empty()) all += " no " + l.missing;
      if (l.missing.empty())
        for (const auto* places : {&l.gate, &l.up, &l.down})
          for (size_t i : *places) all += " " + names[i];
      if (l.router) all += " by " + names[*l.router];
      all += "\n";
    }
    return all;
  };
  EXPECT_EQ(found({"a.mlp.down_proj.weight", "a.mlp.gate_proj.weight", "a.mlp.up_proj.weight",
                   "a.self_attn.o_proj.weight"}),
            "a.mlp.*: a.mlp.gate_proj.weight a.mlp.up_proj.weight a.mlp.down_proj.weight\n");
  EXPECT_EQ(found({"h.attn.c_proj.weight", "h.mlp.c_fc.weight", "h.mlp.c_proj.weight",
                   "v.fc1.weight", "v.fc2.weight", "f.dense_h_to_4h.weight",
                   "f.dense_4h_to_h.weight", "n.up_proj.weight", "n.down_proj.weight"}),
            "h.mlp.*: h.mlp.c_fc.weight h.mlp.c_proj.weight\nv.*: v.fc1.weight v.fc2.weight\n"
            "f.*: f.dense_h_to_4h.weight f.dense_4h_to_h.weight\n"
            "n.*: n.up_proj.weight n.down_proj.weight\n");
  EXPECT_EQ(found({"m.experts.1.w1.weight", "m.experts.1.w2.weight", "m.experts.1.w3.weight",
                   "m.experts.0.w1.weight", "m.experts.0.w2.weight", "m.experts.0.w3.weight",
                   "m.gate.weight", "m.shared_experts.w1.weight", "m.shared_experts.w3.weight",
                   "m.shared_experts.w2.weight"}),
            "m.experts.* experts: m.experts.0.w1.weight m.experts.1.w1.weight "
            "m.experts.0.w3.weight m.experts.1.w3.weight m.experts.0.w2.weight "
            "m.experts.1.w2.weight by m.gate.weight\n"
            "m.shared_experts.*: m.shared_experts.w1.weight m.shared_experts.w3.weight "
            "m.shared_experts.w2.weight\n");
  EXPECT_EQ(found({"gate_proj", "up_proj"}), "*: no down_proj\n");
  EXPECT_EQ(found({"experts.2.gate_proj", "experts.2.up_proj", "experts.2.down_proj"}),
            "experts.* experts: no experts.0.gate_proj\n");
  EXPECT_EQ(found({"experts.99999999999999999999.w1", "experts.x.w1", "xw1.w", "w1x"}),
            "experts.99999999999999999999.*: no experts.99999999999999999999.w3\n"
            "experts.x.*: no experts.x.w3\n");
}

}  // namespace
}  // namespace nibble
