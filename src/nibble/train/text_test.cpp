#include "nibble/train/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "nibble/base/random.h"
#include "nibble/runtime/error.h"
#include "nibble/train/tinyshakespeare.h"

namespace nibble::train {
namespace {

namespace fs = std::filesystem;

Bytes bytes(std::string_view s) { return {s.begin(), s.end()}; }

class TextTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() /
           ("nibble-text-" +
            std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string file(const std::string& name, std::string_view content) {
    std::ofstream(dir_ / name, std::ios::binary) << content;
    return (dir_ / name).string();
  }
  fs::path dir_;
};

std::string error_of(auto&& fn) {
  try {
    fn();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST_F(TextTest, SplitsEachFileAtNineTenths) {
  const std::string a(2000, 'a'), b(3001, 'b');
  const std::vector<std::string> paths = {file("a", a), file("b", b)};
  const Corpus c = read_corpus(paths);
  EXPECT_EQ(c.train.size(), 1800u + 2700u);
  EXPECT_EQ(c.heldout.size(), 200u + 301u);
  EXPECT_EQ(c.train.back(), 'b');
  EXPECT_EQ(c.heldout.front(), 'a');
  ASSERT_EQ(c.data.size(), 2u);
  EXPECT_EQ(c.data[1].bytes, 3001);
  EXPECT_EQ(c.data[0].hash.size(), 16u);
  EXPECT_NE(c.data[0].hash, c.data[1].hash);
}

TEST_F(TextTest, ValidationFileLeavesAllOfTheDataToTraining) {
  const std::vector<std::string> paths = {file("a", std::string(2000, 'a'))};
  const Corpus c = read_corpus(paths, file("v", std::string(129, 'v')));
  EXPECT_EQ(c.train.size(), 2000u);
  EXPECT_EQ(c.heldout, Bytes(129, 'v'));
  EXPECT_EQ(c.valid.size(), 1u);
}

TEST_F(TextTest, ValidationPartLiesBetweenTrainingAndHeldOut) {
  const std::vector<std::string> paths = {
      file("a", std::string(2000, 't') + std::string(700, 'v') + std::string(300, 'h')),
      file("b", std::string(4000, 'T') + std::string(1400, 'V') + std::string(600, 'H'))};
  const Corpus c = read_corpus(paths, "", 0.1);
  EXPECT_EQ(c.train.size(), 2400u + 4800u);
  EXPECT_EQ(c.validation, bytes(std::string(300, 'v') + std::string(600, 'V')));
  EXPECT_EQ(c.heldout, bytes(std::string(300, 'h') + std::string(600, 'H')));
  EXPECT_TRUE(read_corpus(paths).validation.empty());
  EXPECT_NE(error_of([&] {
              read_corpus(paths, "", 0.02);
            }).find("has 3000 bytes: at least 6450 are needed to validate on 2% of it"),
            std::string::npos);
}

TEST_F(TextTest, RefusesWhatItCannotSplit) {
  const std::vector<std::string> short_text = {file("s", std::string(1289, 'a'))};
  EXPECT_NE(error_of([&] { read_corpus(short_text); }).find("has 1289 bytes: at least 1290"),
            std::string::npos);
  const std::vector<std::string> enough = {file("e", std::string(1290, 'a'))};
  EXPECT_EQ(read_corpus(enough).heldout.size(), size_t(kLeastHeldOut));
  const std::vector<std::string> missing = {(dir_ / "none").string()}, folder = {dir_.string()};
  EXPECT_NE(error_of([&] { read_corpus(missing); }).find("No such file"), std::string::npos);
  EXPECT_NE(error_of([&] { read_corpus(folder); }).find("is a directory"), std::string::npos);
  EXPECT_NE(error_of([&] { read_corpus(enough, file("v", "short")); }).find("at least 129"),
            std::string::npos);
}

TEST(Alphabet, IsCompactAndEscapesTheUnseen) {
  const Bytes text = bytes("banana");
  const Alphabet a = Alphabet::of(text);
  EXPECT_EQ(a.seen(), 3);
  EXPECT_EQ(a.symbols(), 4);
  EXPECT_EQ(a.encode(bytes("nabz")), (Bytes{2, 0, 1, 3}));
  EXPECT_FALSE(a.knows('z'));
  EXPECT_EQ(a.byte(2), 'n');
  // text[0] is never predicted, so it costs nothing.
  EXPECT_DOUBLE_EQ(a.escaped_nats(bytes("zzbz")), 2 * std::log(253.0));
  EXPECT_EQ(Alphabet::from_hex(a.hex()).encode(bytes("nabz")), a.encode(bytes("nabz")));
  EXPECT_THROW(Alphabet::from_hex("6261"), Error);
  EXPECT_THROW(Alphabet::from_hex("6"), Error);
  EXPECT_THROW(Alphabet::from_hex(""), Error);
}

TEST(Alphabet, OfAllBytesHasNoEscape) {
  Bytes all;
  for (int b = 0; b < 256; ++b) all.push_back(uint8_t(b));
  const Alphabet a = Alphabet::of(all);
  EXPECT_EQ(a.symbols(), 256);
  EXPECT_EQ(a.encode(all), all);
  EXPECT_EQ(a.escaped_nats(all), 0);
  EXPECT_EQ(Alphabet::all_bytes().hex(), a.hex());
}

// A model that is certain of its alphabet still pays at least 8 bits per byte for uniform bytes.
TEST(Alphabet, RandomBytesCostEightBits) {
  const Alphabet a = Alphabet::of(bytes("abcdefgh"));
  Random random(1);
  Bytes noise(100000);
  for (uint8_t& b : noise) b = uint8_t(random.below(256));
  double nats = a.escaped_nats(noise);
  for (size_t i = 1; i < noise.size(); ++i) nats += std::log(double(a.symbols()));
  EXPECT_GE(nats / double(noise.size() - 1) / std::log(2.0), 8.0);
}

TEST(Ngram, AgreesWithCountingByHand) {
  // train: a after b always, b after a twice, then the end.
  const auto nats = ngram_nats(bytes("ababa"), bytes("abx"));
  const double p0 = 2.1 / 30.6, x0 = 0.1 / 30.6;  // order 0: 3 a, 2 b of 5
  const double p1 = 2.1 / 27.6, x1 = 0.1 / 27.6;  // b after a; x after b
  const double p2 = p1, x2 = 0.1 / 27.6;          // shortened to order 1; x after ab
  EXPECT_NEAR(nats[0], -(std::log(p0) + std::log(x0)) / 2, 1e-12);
  EXPECT_NEAR(nats[1], -(std::log(p1) + std::log(x1)) / 2, 1e-12);
  EXPECT_NEAR(nats[2], -(std::log(p2) + std::log(x2)) / 2, 1e-12);
  EXPECT_THROW(ngram_nats(bytes("ab"), bytes("a")), Error);
}

TEST(Ngram, UniformBytesCostEightBits) {
  Random random(2);
  Bytes train(400000), text(50000);
  for (uint8_t& b : train) b = uint8_t(random.below(256));
  for (uint8_t& b : text) b = uint8_t(random.below(256));
  for (const double nats : ngram_nats(train, text)) {
    EXPECT_GE(nats / std::log(2.0), 8.0);
    EXPECT_LE(nats / std::log(2.0), 9.5);
  }
}

TEST(Ngram, LinesOfTinyShakespeare) {
  if (tinyshakespeare(NIBBLE_DATA).empty()) GTEST_SKIP() << "tinyshakespeare.txt is not there";
  const std::vector<std::string> paths = {NIBBLE_DATA "/tinyshakespeare.txt"};
  const Corpus c = read_corpus(paths);
  EXPECT_EQ(Alphabet::of(c.train).seen(), 65);
  const auto nats = ngram_nats(c.train, c.heldout);
  EXPECT_NEAR(nats[0], 3.347, 5e-4);
  EXPECT_NEAR(nats[1], 2.485, 5e-4);
  EXPECT_NEAR(nats[2], 2.072, 5e-4);
}

TEST(Words, CountsWholeWordsOfThreeLetters) {
  const WordShare s =
      word_share(bytes("ing The cat sat; on XYZZY, THE mat"), bytes("the cat the mat"));
  // "ing" and "mat" touch the ends, "on" is short.
  EXPECT_EQ(s.words, 5);
  EXPECT_EQ(s.known, 3);
  EXPECT_DOUBLE_EQ(s.share(), 0.6);
  EXPECT_EQ(word_share({}, bytes("the")).share(), 0);
}

}  // namespace
}  // namespace nibble::train
