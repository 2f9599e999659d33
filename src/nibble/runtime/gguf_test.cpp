#include "nibble/runtime/gguf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "nibble/base/random.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"

namespace nibble::gguf {
namespace {

// A file put together piece by piece.
struct File {
  std::string bytes;
  template <class T>
  File& put(T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes.append(raw, sizeof value);
    return *this;
  }
  File& text(const std::string& s) {
    put(uint64_t(s.size()));
    bytes += s;
    return *this;
  }
  File& header(uint64_t tensors, uint64_t values, uint32_t version = 3) {
    bytes += "GGUF";
    return put(version).put(tensors).put(values);
  }
  File& tensor(const std::string& name, std::vector<uint64_t> dims, Type type, uint64_t offset) {
    text(name).put(uint32_t(dims.size()));
    for (uint64_t d : dims) put(d);
    return put(uint32_t(type)).put(offset);
  }
  File& data(size_t n, size_t alignment = 32) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    bytes.append(n, '\1');
    return *this;
  }
};

Contents parse_text(const std::string& file) { return parse(std::as_bytes(std::span(file)), "f"); }
std::string refusal(const std::string& file) {
  try {
    parse_text(file);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Gguf, DecodesWhatThePackageDecodes) {
  const Reader reader(NIBBLE_SOURCE_DIR "/tests/data/blocks.gguf");
  std::map<std::string, const Tensor*> by_name;
  for (const Tensor& t : reader.tensors()) by_name[t.name] = &t;
  int compared = 0;
  for (const auto& [name, t] : by_name) {
    const auto it = by_name.find(name + ".floats");
    if (it == by_name.end()) continue;
    std::vector<float> want(size_t(it->second->count())), got(size_t(t->count()));
    ASSERT_EQ(it->second->shape, t->shape) << name;
    dequantise(Type::f32, it->second->data, want);
    dequantise(t->type, t->data, got);
    ASSERT_EQ(want.size(), got.size());
    for (size_t i = 0; i < want.size(); ++i) {
      if (std::isnan(want[i]) && std::isnan(got[i])) continue;
      ASSERT_EQ(std::memcmp(&want[i], &got[i], 4), 0)
          << name << " " << i << ": " << got[i] << ", not " << want[i];
    }
    ++compared;
  }
  EXPECT_EQ(compared, 13);
}

TEST(Gguf, ReadsMetadataOfEveryKind) {
  const Reader reader(NIBBLE_SOURCE_DIR "/tests/data/blocks.gguf");
  const auto& metadata = reader.contents().metadata;
  const auto shown = [&](const char* key) { return metadata.at(key).shown(); };
  EXPECT_EQ(metadata.at("general.architecture").text(), "golden");
  EXPECT_EQ(shown("strings"), "string[3]");
  EXPECT_EQ(shown("floats"), "f32[2]");
  EXPECT_EQ(shown("truth"), "true");
  EXPECT_EQ(shown("i8"), "-3");
  EXPECT_EQ(shown("u16"), "65535");
  EXPECT_EQ(shown("i64"), "-1099511627776");
  EXPECT_EQ(shown("f64"), "0.1");
  int64_t value = 0;
  EXPECT_TRUE(metadata.at("u16").whole(value));
  EXPECT_EQ(value, 65535);
  EXPECT_FALSE(metadata.at("i8").whole(value));
  EXPECT_FALSE(metadata.at("f64").whole(value));
}

TEST(Gguf, AcceptsWhatTheFormatAllows) {
  EXPECT_EQ(refusal(File().header(0, 0).bytes), "no error");
  EXPECT_EQ(refusal(File().header(0, 0, 2).bytes), "no error");
  File f;
  f.header(2, 1).text("general.alignment").put(uint32_t(4)).put(uint32_t(64));
  f.tensor("b", {4, 3}, Type::f32, 0).tensor("a", {}, Type::i8, 64).data(65, 64);
  const Contents c = parse_text(f.bytes);
  ASSERT_EQ(c.tensors.size(), 2u);
  EXPECT_EQ(c.tensors[0].shape, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(c.tensors[1].count(), 1);
  EXPECT_EQ(refusal(f.bytes + std::string(63, '\0')), "no error");  // the last one padded too
}

TEST(Gguf, RefusesABrokenFrame) {
  EXPECT_EQ(refusal(""), "f: this is no GGUF file, which starts with the letters GGUF");
  EXPECT_EQ(refusal("GGUF"),
            "f: the file ends within the version: 4 bytes are needed at byte 4 of 4");
  EXPECT_EQ(refusal(File().header(0, 0, 1).bytes),
            "f: this GGUF file is of version 1: 2 and 3 are read");
  EXPECT_EQ(refusal(File().header(0, 0, 3u << 24).bytes),
            "f: this GGUF file is big-endian: little-endian ones are read");
  EXPECT_EQ(refusal(File().header(1ull << 60, 0).bytes),
            "f: 0 values and 1152921504606846976 tensors do not fit into the file");
  EXPECT_EQ(refusal(File().header(0, 0).data(33).bytes),
            "f: 33 bytes at the end belong to no tensor");
}

TEST(Gguf, RefusesBrokenMetadata) {
  const auto value = [](uint32_t kind) { return File().header(0, 1).text("k").put(kind); };
  const std::string long_tail(40, '\0');
  EXPECT_EQ(refusal(value(13).bytes + long_tail),
            "f: the value of \"k\" is of kind 13: kinds go from 0 to 12");
  EXPECT_EQ(refusal(value(7).put(uint8_t(2)).bytes),
            "f: the value of \"k\" is a bool that is neither 0 nor 1");
  EXPECT_EQ(refusal(value(8).put(uint64_t(-1)).bytes),
            "f: the file ends within the value of \"k\": 18446744073709551615 bytes are needed at "
            "byte 45 of 45");
  EXPECT_EQ(refusal(value(8).text("\xff").bytes), "f: the value of \"k\" is not UTF-8");
  EXPECT_EQ(refusal(value(9).put(uint32_t(9)).put(uint64_t(1)).bytes + long_tail),
            "f: the value of \"k\" is an array of arrays, which are not supported");
  EXPECT_EQ(refusal(value(9).put(uint32_t(10)).put(uint64_t(1) << 61).bytes),
            "f: the file ends within the value of \"k\": it has 2305843009213693952 elements and 0 "
            "bytes follow");
  File twice;
  twice.header(0, 2);
  for (int i = 0; i < 2; ++i) twice.text("k").put(uint32_t(0)).put(uint8_t(1));
  EXPECT_EQ(refusal(twice.bytes), "f: the key \"k\" stands there twice");
  for (const char* bad : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"})
    EXPECT_EQ(refusal(value(8).text(bad).bytes), "f: the value of \"k\" is not UTF-8") << bad;
  EXPECT_EQ(refusal(value(8).text("\xf0\x9f\x98\x80 \xe2\x82\xac \xc3\xa9").bytes), "no error");
  for (uint32_t alignment : {0u, 24u})
    EXPECT_EQ(
        refusal(
            File().header(0, 1).text("general.alignment").put(uint32_t(4)).put(alignment).bytes),
        "f: general.alignment must be a power of two of kind u32, not " +
            std::to_string(alignment));
}

TEST(Gguf, RefusesBrokenTensors) {
  const auto one = [](std::vector<uint64_t> dims, Type type, uint64_t offset = 0, size_t n = 64) {
    return refusal(File().header(1, 0).tensor("a", dims, type, offset).data(n).bytes);
  };
  EXPECT_EQ(one({16}, Type::f32), "no error");
  EXPECT_EQ(one({1, 1, 1, 1, 16}, Type::f32),
            "f: tensor \"a\" has 5 dimensions: at most 4 are allowed");
  EXPECT_EQ(one({1ull << 32, 1ull << 32}, Type::f32),
            "f: tensor \"a\" is too large: its elements must be fewer than 2^63");
  EXPECT_EQ(one({1ull << 62}, Type::f32),
            "f: tensor \"a\" is too large: its size must be below 2^63 bytes");
  EXPECT_EQ(one({33}, Type::q8_0),
            "f: tensor \"a\" has rows of 33 elements: Q8_0 has blocks of 32");
  EXPECT_EQ(one({16}, Type(12)),
            "f: tensor \"a\" is of type 12, which is none of F32 F16 BF16 F64 I8 I16 I32 I64 Q8_0 "
            "MXFP4 NVFP4 TQ1_0 TQ2_0");
  EXPECT_EQ(one({17}, Type::f32), "f: tensor \"a\" ends at byte 0 + 68 of 64 bytes of data");
  EXPECT_EQ(one({16}, Type::f32, ~0ull),
            "f: tensor \"a\" ends at byte 18446744073709551615 + 64 of 64 bytes of data");
  EXPECT_EQ(
      one({8}, Type::f32, 32),
      "f: tensor \"a\" starts at byte 32 of the data where byte 0 was due: tensors must follow "
      "one another, each aligned to 32");
  EXPECT_EQ(one({8}, Type::f32), "f: 32 bytes at the end belong to no tensor");
  const auto two = [](const char* name, uint64_t offset) {
    return refusal(File()
                       .header(2, 0)
                       .tensor("a", {9}, Type::f32, 0)
                       .tensor(name, {8}, Type::f32, offset)
                       .data(96)
                       .bytes);
  };
  EXPECT_EQ(two("b", 64), "no error");
  EXPECT_EQ(two("a", 64), "f: tensor \"a\" stands there twice");
  EXPECT_EQ(two("b", 32),
            "f: tensor \"b\" starts at byte 32 of the data where byte 64 was due: tensors must "
            "follow one another, each aligned to 32");
  EXPECT_EQ(two("\xff", 64), "f: the name of a tensor is not UTF-8");
}

// Whatever is done to a file, it is refused with a sentence, or all its tensors lie within it.
TEST(Gguf, SurvivesTwoThousandMutations) {
  File f;
  f.header(2, 2).text("general.alignment").put(uint32_t(4)).put(uint32_t(32));
  f.text("s").put(uint32_t(9)).put(uint32_t(8)).put(uint64_t(2)).text("x").text("yz");
  f.tensor("w", {32, 2}, Type::q8_0, 0).tensor("b", {4}, Type::f16, 96).data(104);
  const std::string good = f.bytes;
  ASSERT_EQ(refusal(good), "no error");
  Random rng(1);
  int refused = 0, accepted = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string file = good;
    const size_t at = rng.below(file.size());
    switch (rng.below(4)) {
      case 0:
        file[at] = char(rng.next32());
        break;
      case 1:
        file.resize(at);
        break;
      case 2:
        file.erase(at, 1 + rng.below(8));
        break;
      case 3:
        file.insert(at, file.substr(rng.below(file.size()), rng.below(60)));
        break;
    }
    // In a block of its own size, so that a sanitizer sees the first byte past it.
    const std::vector<char> exact(file.begin(), file.end());
    const auto bytes = std::as_bytes(std::span(exact));
    try {
      for (const Tensor& t : parse(bytes, "f").tensors) {
        std::vector<float> values(size_t(t.count()));
        dequantise(t.type, t.data, values);
        ASSERT_LE(t.data.data() + t.data.size(), bytes.data() + bytes.size());
      }
      ++accepted;
    } catch (const Error& e) {
      ASSERT_EQ(std::string(e.what()).rfind("f: ", 0), 0u);
      ASSERT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(accepted, 20);
}

}  // namespace
}  // namespace nibble::gguf
