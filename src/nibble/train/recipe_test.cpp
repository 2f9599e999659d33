#include "nibble/train/recipe.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "nibble/runtime/error.h"

namespace nibble::train {
namespace {

std::string error_of(auto&& fn) {
  try {
    fn();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string error_of_json(const std::string& json) {
  return error_of([&] { parse_recipe(json, "r.json"); });
}

TEST(Recipe, RoundTripsThroughJson) {
  Recipe r;
  r.name = "mine";
  r.arithmetic = Arithmetic::origin;
  r.model = {.hidden = 64, .blocks = 3, .mixer = false, .weights = WeightFormat::int8};
  r.train = {.estimator = Estimator::weight,
             .head_rule = HeadRule::delta,
             .fitness = Fitness::zscore,
             .lr = 0.1f,
             .beta2 = 0.98f};
  const std::string json = to_json(r);
  EXPECT_EQ(to_json(parse_recipe(json, "x")), json);
  EXPECT_NE(json.find("\"lr\": 0.1,"), std::string::npos);  // 0.1, not 0.10000000149
  const Recipe back = parse_recipe(json, "x");
  EXPECT_EQ(back.train.lr, 0.1f);
  EXPECT_EQ(back.train.fitness, Fitness::zscore);
  EXPECT_EQ(back.model.blocks, 3);
  EXPECT_FALSE(back.model.mixer);
}

constexpr const char* kFigure =
    R"("text": "t", "seconds": 60, "threads": 2, "machine": "m", "seeds": [1, 2], "commit": "c")";

TEST(Recipe, CarriesItsFiguresUntilItIsChanged) {
  const std::string figure =
      std::string("{") + kFigure + R"(, "rate": 9.5, "heldout_nats": [2.5, 2.25]})";
  Recipe r = parse_recipe(R"({"figures": [)" + figure + "]}", "x");
  ASSERT_EQ(r.figures.size(), 1u);
  EXPECT_EQ(r.figures[0].heldout_nats[1], 2.25);
  EXPECT_EQ(r.figures[0].rate, 9.5);
  EXPECT_EQ(to_json(parse_recipe(to_json(r), "x")), to_json(r));
  set_field(r, "train.lr=0.01");
  EXPECT_TRUE(r.figures.empty());
}

TEST(Recipe, RefusesFiguresThatCannotBeSeenAgain) {
  const std::string begin = std::string(R"({"figures": [{)") + kFigure;
  EXPECT_NE(error_of_json(begin + "}]}").find("a figure needs text, seconds, threads, machine"),
            std::string::npos);
  EXPECT_NE(error_of_json(begin + R"(, "heldout_nats": [1]}]})").find("for each of its seeds"),
            std::string::npos);
}

TEST(Recipe, KeepsDefaultsOfAbsentKeys) {
  const Recipe r = parse_recipe(R"({"model": {"hidden": 32}})", "x");
  EXPECT_EQ(r.model.hidden, 32);
  EXPECT_EQ(r.model.ffn, Recipe().model.ffn);
  EXPECT_EQ(r.train.lr, Recipe().train.lr);
}

TEST(Recipe, RefusesByNameAndSaysWhatIsAllowed) {
  EXPECT_EQ(error_of_json(R"({"model": {"hidden": 5}})"),
            "r.json: model.hidden = 5: a whole number from 16 to 8192 is allowed");
  EXPECT_EQ(error_of_json(R"({"model": {"hidden": 64.5}})"),
            "r.json: model.hidden = 64.5: a whole number from 16 to 8192 is allowed");
  EXPECT_EQ(error_of_json(R"({"train": {"lr": "fast"}})"),
            "r.json: train.lr = \"fast\": a number from 0 to 10 is allowed");
  EXPECT_EQ(error_of_json(R"({"model": {"weights": "fp4"}})"),
            "r.json: model.weights = \"fp4\": one of ternary, int8, nvfp4, bf16 is allowed");
  EXPECT_EQ(error_of_json(R"({"model": {"mixer": 1}})"),
            "r.json: model.mixer = 1: true or false is allowed");
  EXPECT_EQ(error_of_json(R"({"model": 3})"), "r.json: 'model' must be an object of fields");
  EXPECT_EQ(error_of_json("[1]"), "r.json: a recipe must be a JSON object");
  EXPECT_EQ(error_of_json("{\"model\": "), "r.json: not JSON at byte 11");
  EXPECT_EQ(error_of_json(R"({"train": {"lr": 0.1, "lr": 0.2}})"),
            "r.json: key 'lr' stands twice in one object");
  const std::string unknown = error_of_json(R"({"train": {"learning_rate": 1}})");
  EXPECT_NE(unknown.find("unknown key 'train.learning_rate'; known are train.estimator"),
            std::string::npos);
  EXPECT_NE(error_of_json(R"({"sigma": 1})")
                .find("known are name, model, train, score, origin, figures, arithmetic"),
            std::string::npos);
}

TEST(Recipe, SetsFieldsByPath) {
  Recipe r;
  set_field(r, "train.lr=1e-2");
  set_field(r, "model.weights=int8");
  set_field(r, "model.mixer=false");
  set_field(r, "name=7");
  EXPECT_EQ(r.train.lr, 0.01f);
  EXPECT_EQ(r.model.weights, WeightFormat::int8);
  EXPECT_FALSE(r.model.mixer);
}

TEST(Recipe, SaysInItsLabelHowItLearns) {
  Recipe r;
  EXPECT_EQ(label(r), "activity estimator, noise head, ternary weights, EFLA mixer");
  r.train.lanes_joint = 4, r.train.lanes_mixer = 0, r.train.carry = 8;
  EXPECT_EQ(label(r),
            "activity estimator, noise head, ternary weights, untrained EFLA mixer, joint lanes, "
            "contexts of 8 windows");
  r = {};
  set_field(r, "train.rank=full"), set_field(r, "train.estimator=weight");
  EXPECT_EQ(label(r), "full-rank weight estimator, noise head, ternary weights, EFLA mixer");
  EXPECT_EQ(label(parse_recipe(to_json(r), "x")), label(r));
}

TEST(Recipe, RefusesBadAssignments) {
  Recipe r;
  EXPECT_EQ(error_of([&] { set_field(r, "train.lr"); }),
            "--set train.lr: key=value is needed, as in train.lr=0.01");
  EXPECT_EQ(error_of([&] { set_field(r, "train.seq=1"); }),
            "--set: train.seq = 1: a whole number from 2 to 1024 is allowed");
  EXPECT_EQ(error_of([&] { set_field(r, "train.lr=nan"); }),
            "--set: train.lr = \"nan\": a number from 0 to 10 is allowed");
  EXPECT_NE(error_of([&] { set_field(r, "model=3"); }).find("unknown key 'model'"),
            std::string::npos);
}

TEST(Recipe, IsFoundByNameOrPath) {
  const auto dir = std::filesystem::temp_directory_path() / "nibble-recipe-test";
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "small.json") << R"({"name": "small", "model": {"hidden": 16}})";
  const std::vector<std::string> folders = {"/nowhere", dir.string()};
  EXPECT_EQ(find_recipe("small", folders).model.hidden, 16);
  EXPECT_EQ(find_recipe((dir / "small.json").string(), {}).name, "small");
  EXPECT_EQ(error_of([&] { find_recipe("large", folders); }),
            "no recipe is called 'large': a file that ends in .json or one of small is needed");
  EXPECT_NE(error_of([&] { find_recipe("none.json", folders); }).find("no such file"),
            std::string::npos);
  EXPECT_NE(error_of([&] { find_recipe("../small", folders); }).find("no recipe is called"),
            std::string::npos);
  std::filesystem::remove_all(dir);
}

TEST(Recipe, EveryShippedOneIsValidAndCarriesItsName) {
  const std::vector<std::string> folders = {NIBBLE_SOURCE_DIR "/recipes"};
  for (const std::string& name : recipe_names(folders))
    EXPECT_EQ(find_recipe(name, folders).name, name);
}

}  // namespace
}  // namespace nibble::train
