// Layers of whole weights: feed-forward ones against sums in double, experts against these.
#include "nibble/runtime/whole_layers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/numerics/floats.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/safetensors.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kCols = 70, kInner = 101;  // no whole panels
constexpr int kExperts = 4;

class WholeLayersTest : public testing::TestWithParam<DType> {
 protected:
  WholeLayersTest() {
    char name[] = "/tmp/nibble_whole_layers_XXXXXX";
    folder = ::mkdtemp(name);
    Random rng(6);
    std::vector<safetensors::Tensor> tensors;
    for (int i = 0; i < 3 * kExperts + 1; ++i) {
      const bool down = i % 3 == 2, is_router = i == 3 * kExperts;
      const int64_t rows = is_router ? kExperts : down ? kCols : kInner;
      const int64_t cols = down ? kInner : kCols;
      bytes[i].resize(size_t(rows * cols * bytes_of(GetParam())));
      for (int64_t at = 0; at < rows * cols; ++at) put(bytes[i], at, rng.uniform(-0.4f, 0.4f));
      tensors.push_back({std::string("m.") + char('a' + i), GetParam(), {rows, cols}, bytes[i]});
    }
    safetensors::write(folder / "in.safetensors", tensors);
    source = std::make_unique<Source>(folder / "in.safetensors");
    for (float& v : gamma) v = rng.uniform(0.5f, 2);
  }
  ~WholeLayersTest() override { fs::remove_all(folder); }

  static void put(std::vector<std::byte>& to, int64_t at, float v) {
    const auto store = [&](auto x) { std::memcpy(&to[size_t(at) * sizeof x], &x, sizeof x); };
    if (GetParam() == DType::bf16) return store(to_bf16(v));
    if (GetParam() == DType::fp16) return store(to_fp16(v));
    store(v);
  }
  WholeWeight matrix(int i) const {
    return pack_whole(*source->find(std::string("m.") + char('a' + i)));
  }
  WholeMatrices matrices(int first, int count) const {
    WholeMatrices all;
    for (int e = first; e < first + count; ++e) {
      all.gate.push_back(matrix(3 * e)), all.up.push_back(matrix(3 * e + 1));
      all.down.push_back(matrix(3 * e + 2));
    }
    return all;
  }
  WholeFeedForward feed_forward(int expert) const {
    return {matrices(expert, 1), gamma, 1e-6f, cpu::this_machine()};
  }
  std::vector<double> product(int i, const std::vector<double>& x) const {
    const SourceTensor& t = *source->find(std::string("m.") + char('a' + i));
    RowReader reader(t);
    std::vector<float> w(size_t(t.rows() * t.cols()));
    load_floats(reader.rows(0, t.rows()), 0, t.rows() * t.cols(), w.data());
    std::vector<double> y(size_t(t.rows()));
    for (size_t n = 0; n < y.size(); ++n)
      for (size_t k = 0; k < x.size(); ++k) y[n] += double(w[n * x.size() + k]) * x[k];
    return y;
  }
  static std::vector<float> tokens(int64_t count) {
    std::vector<float> x(size_t(count * kCols));
    Random rng{uint64_t(count)};
    for (float& v : x) v = rng.uniform(-2, 2);
    return x;
  }

  fs::path folder;
  std::vector<std::byte> bytes[3 * kExperts + 1];
  std::vector<float> gamma = std::vector<float>(kCols);
  std::unique_ptr<Source> source;
};

// Rounding to 8 and 11 bits errs by 2^-9 and 2^-12 at most: of h in gate and up, at most three
// times, and of what down multiplies. f32 has the errors of its sums.
TEST_P(WholeLayersTest, FeedForwardIsThatOfDoublesButForTheRoundingOfActivations) {
  const auto pool = cpu::make_pool(2);
  WholeFeedForward layer = feed_forward(0);
  for (int64_t count : {1, 3, 20, 2}) {
    const std::vector<float> x = tokens(count);
    std::vector<float> y(size_t(count * (kCols + 3)), 7.0f);
    layer(MatrixView<const float>(x.data(), count, kCols),
          MatrixView<float>(y.data(), count, kCols, kCols + 3), pool.get());
    double wrong = 0, all = 0;
    for (int64_t t = 0; t < count; ++t) {
      double squares = 0;
      std::vector<double> h(kCols);
      for (size_t k = 0; k < kCols; ++k) h[k] = x[size_t(t) * kCols + k], squares += h[k] * h[k];
      for (size_t k = 0; k < kCols; ++k) h[k] *= gamma[k] / std::sqrt(squares / kCols + 1e-6);
      const std::vector<double> gate = product(0, h);
      std::vector<double> inner = product(1, h);
      for (size_t i = 0; i < inner.size(); ++i) inner[i] *= gate[i] / (1 + std::exp(-gate[i]));
      const std::vector<double> want = product(2, inner);
      for (int64_t k = 0; k < kCols; ++k) {
        const double off = y[size_t(t * (kCols + 3) + k)] - want[size_t(k)];
        wrong += off * off, all += want[size_t(k)] * want[size_t(k)];
      }
      for (int64_t k = kCols; k < kCols + 3; ++k) EXPECT_EQ(y[size_t(t * (kCols + 3) + k)], 7);
    }
    const double most = GetParam() == DType::bf16   ? 4 * 0x1p-9
                        : GetParam() == DType::fp16 ? 4 * 0x1p-12
                                                    : 1e-6;
    EXPECT_LT(std::sqrt(wrong / all), most);
    EXPECT_GT(std::sqrt(wrong / all), most / 200);
  }
}

// Sums do not depend on how many rows there are.
TEST_P(WholeLayersTest, ExpertsAddUpWhatTheyMakeOfATokenBitForBit) {
  const auto pool = cpu::make_pool(2);
  const WholeWeight router = matrix(3 * kExperts);
  std::vector<WholeFeedForward> alone;
  for (int e = 0; e < kExperts; ++e) alone.push_back(feed_forward(e));
  for (bool routed : {true, false})
    for (int top : {1, 2, kExperts}) {
      WholeExperts layer(matrices(0, kExperts),
                         routed ? std::make_shared<Linear>(router, cpu::this_machine()) : nullptr,
                         top, gamma, 1e-6f, cpu::this_machine());
      for (int64_t count : {1, 40, 3}) {
        const std::vector<float> x = tokens(count);
        std::vector<float> y(size_t(count * (kCols + 3)), 7.0f), part(kCols);
        layer(MatrixView<const float>(x.data(), count, kCols),
              MatrixView<float>(y.data(), count, kCols, kCols + 3), pool.get());
        for (int64_t t = 0; t < count; ++t) {
          std::vector<float> want(kCols + 3);
          for (int64_t i = t * top; i < (t + 1) * top; ++i) {
            const MatrixView<const float> token(&x[size_t(t * kCols)], 1, kCols);
            alone[size_t(layer.routes().expert[size_t(i)])](
                token, MatrixView<float>(part.data(), 1, kCols));
            for (size_t k = 0; k < kCols; ++k) want[k] += layer.routes().share[size_t(i)] * part[k];
          }
          for (size_t k = kCols; k < kCols + 3; ++k) want[k] = 7;
          EXPECT_EQ(std::vector<float>(&y[size_t(t) * want.size()],
                                       &y[size_t(t) * want.size()] + want.size()),
                    want);
        }
      }
    }
}

TEST_P(WholeLayersTest, RefuseWhatDoesNotFit) {
  const std::string type(GetParam() == DType::bf16   ? "bf16"
                         : GetParam() == DType::fp16 ? "fp16"
                                                     : "f32");
  const auto refused = [&](WholeMatrices m, int top, int64_t norm = kCols) {
    try {
      WholeExperts(std::move(m), nullptr, top, std::span(gamma).first(size_t(norm)), 1e-6f,
                   cpu::this_machine());
      return std::string("no error");
    } catch (const Error& e) {
      return std::string(e.what());
    }
  };
  WholeMatrices swapped = matrices(0, 2), mixed = matrices(0, 2);
  std::swap(swapped.up, swapped.down), std::swap(mixed.gate[1], mixed.down[1]);
  EXPECT_EQ(refused(std::move(swapped), 1), "tensor m.c is " + type + " 70 x 101, its gate " +
                                                type + " 101 x 70 and down " + type +
                                                " 101 x 70: no feed-forward layer");
  EXPECT_EQ(refused(std::move(mixed), 1),
            "tensor m.f is " + type + " 70 x 101, and m.a " + type +
                " 101 x 70: the experts of a layer are of one size and format");
  EXPECT_EQ(refused(matrices(0, 2), 3), "tensor m.b: a token has 1 to 2 of so many experts, not 3");
  EXPECT_EQ(refused(matrices(0, 2), 1, 5), "tensor m.b: its norm has 5 factors, not 70");
}

INSTANTIATE_TEST_SUITE_P(Types, WholeLayersTest,
                         testing::Values(DType::f32, DType::bf16, DType::fp16));

}  // namespace
}  // namespace nibble
