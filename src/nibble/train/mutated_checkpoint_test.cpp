// Checkpoints that are wrong and yet have the right hash, as another program could write them: each
// is refused with one sentence or works, and nothing reads past a tensor (the sanitizers' build).
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/models/efla_lm/generator.h"
#include "nibble/train/checkpoint.h"
#include "nibble/train/product_learner.h"
#include "nibble/train/small_recipes.h"

namespace nibble::train {
namespace {

namespace fs = std::filesystem;

constexpr int kSymbols = 20;

std::string error_of(auto&& fn) {
  try {
    fn();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    return e.what();
  }
  return "";
}

class MutatedCheckpoint : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(dir_); }
  void TearDown() override { fs::remove_all(dir_); }

  // One change of a name, a type, a shape, a number, or of the list.
  void mutate(std::vector<StateTensor>& tensors, Random& random) {
    StateTensor& t = tensors[size_t(random.below(tensors.size()))];
    int64_t& size = t.shape[size_t(random.below(t.shape.size()))];
    switch (random.below(7)) {
      case 0:
        t.name += "x";
        break;
      case 1:
        t.type = random.below(2) ? DType::i8 : DType::i64;
        break;
      case 2:
        size = int64_t(random.below(uint64_t(size) + 2));
        break;
      case 3:
        size *= 1 + int64_t(random.below(3));
        break;
      case 4:
        t.shape = {t.shape[0], 1, 1};
        break;
      case 5:
        tensors.erase(tensors.begin() + (&t - tensors.data()));
        return;
      case 6:
        tensors.push_back(t), tensors.back().name = "more";
        return;
    }
    // Whatever size it has become, there are so many bytes to write.
    bytes_.assign(size_t(t.bytes()) + 8, uint8_t(random.below(256)));
    t.data = bytes_.data();
  }

  // What a checkpoint is read for: to go on, and to generate.
  void use(const std::string& path) {
    refused_ += !error_of([&] {
                   restore(other_, path);
                   other_.step(text_, 0, 0.5);
                 }).empty();
    refused_ +=
        !error_of([&] {
           const OwnedTensors weights = read_weights(path);
           efla_lm::make_generator(recipe_.model, kSymbols, weights.tensors, cpu::this_machine())
               ->feed(3);
         }).empty();
  }

  const fs::path dir_ = fs::temp_directory_path() / "nibble-mutated";
  const std::string path_ = dir_ / "c.safetensors";
  const std::vector<uint8_t> text_ = small::markov_text(500, kSymbols);
  const Recipe recipe_ = small::tiny(small::one_block());
  ProductLearner learner_{recipe_, kSymbols, 5, cpu::this_machine(), nullptr};
  ProductLearner other_{recipe_, kSymbols, 6, cpu::this_machine(), nullptr};
  std::vector<uint8_t> bytes_;
  int refused_ = 0;
};

TEST_F(MutatedCheckpoint, IsRefusedOrWorks) {
  Random random(17);
  for (int i = 0; i < 200; ++i) {
    std::vector<StateTensor> tensors = learner_.state();
    mutate(tensors, random);
    write_checkpoint(path_, tensors, {.step = 4},
                     i % 2 == 0 ? WeightFormat::ternary : WeightFormat::bf16);
    use(path_);
  }
  EXPECT_GT(refused_, 200);  // of 400: generation needs fewer tensors
  write_checkpoint(path_, learner_.state(), {.step = 4}, WeightFormat::ternary);
  refused_ = 0;
  use(path_);
  EXPECT_EQ(refused_, 0);
}

// Numbers that are no state of any run.
TEST_F(MutatedCheckpoint, NumbersOutOfRange) {
  const auto with = [&](const char* name, int64_t value) {
    for (StateTensor& t : learner_.state()) {
      if (t.name != name) continue;
      if (t.type == DType::i64) *static_cast<int64_t*>(t.data) = value;
      if (t.type == DType::i32) *static_cast<int32_t*>(t.data) = int32_t(value);
    }
    write_checkpoint(path_, learner_.state(), {.step = 4}, WeightFormat::ternary);
    return error_of([&] { restore(other_, path_); });
  };
  EXPECT_EQ(with("credit_shift", 24), "");
  EXPECT_NE(with("credit_shift", 25).find("credit_shift"), std::string::npos);
  EXPECT_NE(with("credit_shift", -1).find("credit_shift"), std::string::npos);
  EXPECT_EQ(with("credit_shift", 0), "");
  EXPECT_NE(with("updates", -1).find("updates"), std::string::npos);
  EXPECT_EQ(with("updates", 3), "");
  for (const double bad : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    write_checkpoint(path_, learner_.state(), {.seconds = bad}, WeightFormat::ternary);
    EXPECT_NE(error_of([&] { read_mark(path_); }).find("'seconds' is no number of a run"),
              std::string::npos);
  }
  write_checkpoint(path_, learner_.state(), {.horizon = {.from = 1.5}}, WeightFormat::ternary);
  EXPECT_NE(error_of([&] { read_mark(path_); }), "");
}

}  // namespace
}  // namespace nibble::train
