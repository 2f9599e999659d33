#include "nibble/runtime/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <functional>

#include "nibble/base/random.h"
#include "nibble/numerics/bf16.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"

namespace nibble::safetensors {
namespace {

namespace fs = std::filesystem;

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

// A file from its header and the size of its data.
std::string file_of(const std::string& header, size_t data_bytes) {
  std::string file(8, '\0');
  for (int i = 0; i < 8; ++i) file[size_t(i)] = char(uint64_t(header.size()) >> 8 * i);
  return file + header + std::string(data_bytes, '\1');
}
Contents parse_text(const std::string& file) { return parse(std::as_bytes(std::span(file)), "f"); }
std::string refusal(const std::string& file) {
  return error_of([&] { parse_text(file); });
}
// The complaint about an entry named "a" with 8 bytes of data behind the header.
std::string entry_refusal(const std::string& entry) {
  const std::string why = refusal(file_of("{\"a\":" + entry + "}", 8));
  const std::string start = "f: tensor \"a\": ";
  return why.rfind(start, 0) == 0 ? why.substr(start.size()) : why;
}

class Checkpoints : public testing::Test {
 protected:
  Checkpoints() {
    char name[] = "/tmp/nibble_safetensors_XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~Checkpoints() override { fs::remove_all(folder); }
  std::string refusal(const fs::path& path) {
    return error_of([&] { Reader reader(path); });
  }
  fs::path folder;
};

constexpr DType kAllTypes[] = {DType::f64,  DType::f32,   DType::fp16, DType::bf16, DType::e4m3,
                               DType::e5m2, DType::ue8m0, DType::i64,  DType::i32,  DType::i16,
                               DType::i8,   DType::u64,   DType::u32,  DType::u16,  DType::u8};

TEST_F(Checkpoints, RoundTripKeepsTypesShapesBytesAndMetadata) {
  std::vector<std::byte> bytes(4096);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(i * 31);
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < std::size(kAllTypes); ++i) {
    const int size = bytes_of(kAllTypes[i]);
    tensors.push_back({"t" + std::to_string(i),
                       kAllTypes[i],
                       {3, int64_t(i), 5},
                       std::span(bytes).subspan(i, size_t(15 * size) * i)});
  }
  tensors.push_back({"scalar \"quoted\" \xc3\xa9", DType::f32, {}, std::span(bytes).first(4)});
  const Metadata metadata = {{"format", "pt"}, {"step", "17"}};
  const fs::path path = folder / "x.safetensors";
  write(path, tensors, metadata);

  const Reader reader(path);
  EXPECT_EQ(reader.metadata(), metadata);
  ASSERT_EQ(reader.tensors().size(), tensors.size());
  for (const Tensor& t : tensors) {
    const Tensor& read = reader.at(t.name, t.type, t.shape);
    ASSERT_EQ(read.data.size(), t.data.size());
    EXPECT_TRUE(std::equal(read.data.begin(), read.data.end(), t.data.begin()));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(read.data.data()) % size_t(bytes_of(t.type)), 0u);
    EXPECT_EQ(read.count(), int64_t(t.data.size()) / bytes_of(t.type));
  }
  EXPECT_EQ(reader.find("t99"), nullptr);

  // Byte for byte the same again.
  write(folder / "y.safetensors", tensors, metadata);
  EXPECT_EQ(read_file(path), read_file(folder / "y.safetensors"));
  write(path, {});
  EXPECT_TRUE(Reader(path).tensors().empty());
}

TEST_F(Checkpoints, AccessIsTypedAndAligned) {
  const float values[] = {1, 2, 3};
  const uint8_t odd[] = {7};
  const Tensor tensors[] = {{"odd", DType::u8, {1}, std::as_bytes(std::span(odd))},
                            {"values", DType::f32, {3}, std::as_bytes(std::span(values))}};
  write(folder / "x.safetensors", tensors);
  const Reader reader(folder / "x.safetensors");
  EXPECT_EQ(reader.tensors()[0].name, "values");  // the wider element first
  EXPECT_EQ(reader.at("values").as<float>()[2], 3);
  EXPECT_EQ(error_of([&] { reader.at("values").as<bf16>(); }),
            "tensor \"values\" is F32, not BF16");
  const std::string called = (folder / "x.safetensors").string();
  EXPECT_EQ(error_of([&] { reader.at("none"); }), called + " has no tensor \"none\"");
  EXPECT_EQ(error_of([&] {
              reader.at("values", DType::f32, std::array<int64_t, 2>{3, 1});
            }),
            called + ": tensor \"values\" is F32 [3], not F32 [3,1]");

  std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // the data starts at a multiple of 8
  const std::string file = file_of(header, 5);
  const Contents contents = parse_text(file);
  EXPECT_EQ(contents.tensors[1].count(), 1);
  EXPECT_EQ(error_of([&] { contents.tensors[1].as<float>(); }),
            "tensor \"b\" is not aligned to its elements in its file: copy it");
}

TEST(Parse, AcceptsWhatTheFormatAllows) {
  EXPECT_TRUE(parse_text(file_of("{}", 0)).tensors.empty());
  EXPECT_TRUE(parse_text(file_of("{}      ", 0)).tensors.empty());
  const Contents c = parse_text(
      file_of(R"({"b":{"shape":[],"data_offsets":[1,5],"dtype":"I32"},"__metadata__":{"k":"v"},)"
              R"("a":{"dtype":"BOOL","shape":[1,1],"data_offsets":[0,1]},)"
              R"("empty":{"dtype":"F64","shape":[0,9],"data_offsets":[1,1]},)"
              R"("last":{"dtype":"F64","shape":[0],"data_offsets":[5,5]}})",
              5));
  ASSERT_EQ(c.tensors.size(), 4u);
  EXPECT_EQ(c.tensors[0].name, "a");
  EXPECT_EQ(c.tensors[0].type, DType::u8);
  EXPECT_EQ(c.tensors[1].name, "empty");
  EXPECT_EQ(c.tensors[2].name, "b");
  EXPECT_EQ(c.tensors[3].name, "last");
  EXPECT_EQ(c.metadata.at("k"), "v");
}

// Formats without a DType are not read as what they are not, and a copy is the same file.
TEST_F(Checkpoints, CopiesFormatsWithoutDType) {
  const std::string text = file_of(R"({"flag":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]},)"
                                   R"("four":{"dtype":"F4","shape":[2,6],"data_offsets":[3,9]},)"
                                   R"("six":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[9,12]},)"
                                   R"("pair":{"dtype":"C64","shape":[],"data_offsets":[12,20]}})",
                                   20);
  const Contents c = parse_text(text);
  EXPECT_EQ(c.tensors[1].stored, "F4");
  EXPECT_EQ(c.tensors[1].count(), 6);
  EXPECT_EQ(error_of([&] { c.tensors[1].as<uint8_t>(); }), "tensor \"four\" is F4, not U8");
  EXPECT_EQ(c.tensors[0].as<uint8_t>().size(), 3u);
  write(folder / "x.safetensors", c.tensors);
  const Reader reader(folder / "x.safetensors");
  for (const Tensor& t : c.tensors) {
    EXPECT_EQ(reader.at(t.name).stored, t.stored);
    EXPECT_EQ(reader.at(t.name).shape, t.shape);
  }
  EXPECT_NE(error_of([&] {
              reader.at("four", DType::u8, std::array<int64_t, 2>{2, 6});
            }).find("is F4 [2,6], not U8 [2,6]"),
            std::string::npos);
  EXPECT_EQ(entry_refusal(R"({"dtype":"F4","shape":[3],"data_offsets":[0,1]})"),
            "its elements must fill whole bytes");
}

TEST_F(Checkpoints, AreWrittenInPieces) {
  const Entry entries[] = {{"a", DType::u8, {5}}, {"b", DType::f32, {2}}};
  const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
  const auto data = std::as_bytes(std::span(bytes));
  const fs::path path = folder / "x.safetensors";
  {
    Writer writer(path, entries);
    writer.put(0, 3, data.subspan(3, 2));
    writer.put(1, 0, data);
    EXPECT_EQ(error_of([&] { writer.put(0, 4, data.first(2)); }),
              "cannot write tensor \"a\": bytes 4 to 6 of 5");
    EXPECT_EQ(error_of([&] { writer.commit(); }),
              "cannot write tensor \"a\": it got 2 of its 5 bytes");
    EXPECT_FALSE(fs::exists(path));
    writer.put(0, 0, data.first(3));
    writer.commit();
  }
  const Tensor whole[] = {{"a", DType::u8, {5}, data.first(5)}, {"b", DType::f32, {2}, data}};
  write(folder / "y.safetensors", whole);
  EXPECT_EQ(read_file(path), read_file(folder / "y.safetensors"));
}

TEST(Parse, RefusesABrokenFrame) {
  EXPECT_EQ(refusal(""),
            "f: a file of 0 bytes is no safetensors file, which starts with an 8-byte header "
            "length");
  EXPECT_EQ(refusal(std::string(8, '\xff')),
            "f: a header of 18446744073709551615 bytes does not fit: 0 bytes follow, and at most "
            "100000000 are allowed");
  std::string one_short = file_of("{}", 0);
  one_short.pop_back();
  EXPECT_EQ(refusal(one_short),
            "f: a header of 2 bytes does not fit: 1 bytes follow, and at most 100000000 are "
            "allowed");
  EXPECT_EQ(refusal(file_of("[]", 0)), "f: the header must be a JSON object");
  EXPECT_EQ(refusal(file_of("", 0)).rfind("f: this is not JSON in UTF-8: parse error", 0), 0u);
  for (const char* bad : {"{", "{}x", "{\"a\"}", "{\"\xff\":1}", "{\"\xc0\xaf\":1}",
                          "{\"\\ud800\":1}", "{\"\xed\xa0\x80\":1}", "{'a':1}", "{},", "nul"})
    EXPECT_EQ(refusal(file_of(bad, 0)).rfind("f: this is not JSON in UTF-8: ", 0), 0u) << bad;
  EXPECT_EQ(refusal(file_of(std::string("{}\0", 3), 0)).rfind("f: this is not JSON", 0), 0u);
  EXPECT_EQ(refusal(file_of("{\"a\":" + std::string(100'000, '['), 0)),
            "f: JSON here is nested at most 3 deep");
}

TEST(Parse, RefusesDuplicates) {
  EXPECT_EQ(refusal(file_of(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                            R"("\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                            0)),
            "f: \"a\" stands there twice");
  EXPECT_EQ(refusal(file_of(R"({"a":{"dtype":"U8","dtype":"I8","shape":[0],)"
                            R"("data_offsets":[0,0]}})",
                            0)),
            "f: \"dtype\" stands there twice");
  EXPECT_EQ(refusal(file_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0)),
            "f: \"k\" stands there twice");
}

TEST(Parse, RefusesBrokenMetadata) {
  for (const char* bad : {"1", "[]", "null", R"({"k":1})", R"({"k":{"x":"y"}})"})
    EXPECT_EQ(refusal(file_of(std::string("{\"__metadata__\":") + bad + "}", 0)),
              "f: __metadata__ must be an object of strings")
        << bad;
}

TEST(Parse, RefusesBrokenEntries) {
  const std::string fields = "an entry has dtype, shape and data_offsets, and nothing else";
  EXPECT_EQ(entry_refusal("1"), fields);
  EXPECT_EQ(entry_refusal(R"({"dtype":"U8","shape":[8]})"), fields);
  EXPECT_EQ(entry_refusal(R"({"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":0})"), fields);

  const std::string known =
      " is none of F64 F32 F16 BF16 F8_E4M3 F8_E5M2 F8_E8M0 I64 I32 I16 I8 U64 U32 U16 U8 BOOL F4 "
      "F6_E2M3 F6_E3M2 F8_E4M3FNUZ F8_E5M2FNUZ C64";
  EXPECT_EQ(entry_refusal(R"({"dtype":"F5","shape":[16],"data_offsets":[0,8]})"),
            "dtype \"F5\"" + known);
  EXPECT_EQ(entry_refusal(R"({"dtype":8,"shape":[8],"data_offsets":[0,8]})"), "dtype 8" + known);

  EXPECT_EQ(entry_refusal(R"({"dtype":"U8","shape":8,"data_offsets":[0,8]})"),
            "shape must be an array");
  for (const char* d :
       {"-1", "8.0", "\"8\"", "null", "[8]", "9223372036854775808", "99999999999999999999999"})
    EXPECT_EQ(
        entry_refusal(std::string(R"({"dtype":"U8","shape":[)") + d + R"(],"data_offsets":[0,8]})"),
        std::string(d) == "[8]" ? "f: JSON here is nested at most 3 deep"
                                : "a dimension must be a whole number below 2^63")
        << d;
  // 2^32 * 2^32 * 8 is 0 modulo 2^64.
  EXPECT_EQ(
      entry_refusal(R"({"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
      "its size must be below 2^63 bytes");
  EXPECT_EQ(entry_refusal(R"({"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]})"),
            "its size must be below 2^63 bytes");

  const std::string offsets =
      "data_offsets must be two whole numbers, the end not before the beginning";
  for (const char* bad :
       {"[0]", "[0,8,8]", "8", "[8,0]", "[-1,7]", "[0,8.0]", "[0,1e1]", "[0,18446744073709551616]"})
    EXPECT_EQ(
        entry_refusal(std::string(R"({"dtype":"U8","shape":[8],"data_offsets":)") + bad + "}"),
        offsets)
        << bad;
  EXPECT_EQ(entry_refusal(R"({"dtype":"U8","shape":[9],"data_offsets":[0,9]})"),
            "its data ends at byte 9 of 8");
  EXPECT_EQ(
      entry_refusal(
          R"({"dtype":"U8","shape":[9],"data_offsets":[9223372036854775798,9223372036854775807]})"),
      "its data ends at byte 9223372036854775807 of 8");
  EXPECT_EQ(entry_refusal(R"({"dtype":"F32","shape":[1],"data_offsets":[0,8]})"),
            "its shape takes 4 bytes, its data_offsets have 8");
}

TEST(Parse, RefusesHolesOverlapsAndLeftovers) {
  const auto two = [](int b0, int e0, int b1, int e1) {
    const auto entry = [](int b, int e) {
      return R"({"dtype":"U8","shape":[)" + std::to_string(e - b) + R"(],"data_offsets":[)" +
             std::to_string(b) + "," + std::to_string(e) + "]}";
    };
    return refusal(file_of("{\"a\":" + entry(b0, e0) + ",\"b\":" + entry(b1, e1) + "}", 8));
  };
  EXPECT_EQ(two(0, 4, 4, 8), "no error");
  EXPECT_EQ(two(4, 8, 0, 4), "no error");
  EXPECT_EQ(two(0, 4, 5, 8), "f: tensor \"b\" lies behind a hole: tensors must follow one another");
  EXPECT_EQ(two(1, 4, 4, 8), "f: tensor \"a\" lies behind a hole: tensors must follow one another");
  EXPECT_EQ(two(0, 5, 4, 8),
            "f: tensor \"b\" overlaps the one before it: tensors must follow one another");
  EXPECT_EQ(two(0, 8, 4, 4),
            "f: tensor \"b\" overlaps the one before it: tensors must follow one another");
  EXPECT_EQ(two(0, 4, 4, 7), "f: 1 bytes at the end belong to no tensor");
}

// Whatever is done to a file, it is refused with a sentence, or all its tensors lie within it.
TEST(Parse, SurvivesTwoThousandMutations) {
  const std::string good =
      file_of(R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[4,4],)"
              R"("data_offsets":[0,64]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[64,72]},)"
              R"("s":{"dtype":"U8","shape":[],"data_offsets":[72,73]}})",
              73);
  ASSERT_EQ(refusal(good), "no error");
  Random rng(1);
  int refused = 0, accepted = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string file = good;
    for (uint64_t edits = 1 + rng.below(3); edits > 0; --edits) {
      const size_t at = rng.below(file.size());
      switch (rng.below(6)) {
        case 0:
          file[at] = char(rng.next32());
          break;
        case 1:
          file[at] = char(file[at] ^ 1 << rng.below(8));
          break;
        case 2:
          file.resize(at + 1);
          break;
        case 3:
          file.insert(at, 1, char('0' + rng.below(10)));
          break;
        case 4:
          file.erase(at, 1 + rng.below(8));
          break;
        case 5:
          file.insert(at, file.substr(rng.below(file.size()), rng.below(60)));
          break;
      }
      if (file.empty()) break;
    }
    // In a block of its own size, so that a sanitizer sees the first byte past it.
    const std::vector<char> exact(file.begin(), file.end());
    const auto bytes = std::as_bytes(std::span(exact));
    try {
      unsigned sum = 0;
      for (const Tensor& t : parse(bytes, "f").tensors) {
        ASSERT_GE(t.data.data(), bytes.data());
        ASSERT_LE(t.data.data() + t.data.size(), bytes.data() + bytes.size());
        for (std::byte b : t.data) sum += unsigned(b);
      }
      ASSERT_LT(sum, 1u << 20);
      ++accepted;
    } catch (const Error& e) {
      ASSERT_EQ(std::string(e.what()).rfind("f: ", 0), 0u);
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(accepted, 20);  // edits of data, names and metadata
}

TEST_F(Checkpoints, WriteRefusesWhatCannotBeReadBack) {
  const fs::path path = folder / "x.safetensors";
  const float values[] = {1, 2, 3};
  const auto data = std::as_bytes(std::span(values));
  const auto why = [&](std::vector<Tensor> tensors, Metadata metadata = {}) {
    return error_of([&] { write(path, tensors, metadata); });
  };
  EXPECT_EQ(why({{"a", DType::f32, {4}, data}}),
            "cannot write tensor \"a\": 12 bytes are not F32 [4]");
  EXPECT_EQ(why({{"a", DType::f64, {1}, data}}),
            "cannot write tensor \"a\": 12 bytes are not F64 [1]");
  EXPECT_EQ(why({{"a", DType::f32, {-3}, data}}),
            "cannot write tensor \"a\" of shape [-3]: its size must be below 2^63 bytes");
  EXPECT_EQ(why({{"a", DType::f32, {int64_t(1) << 32, int64_t(1) << 32}, data}}),
            "cannot write tensor \"a\" of shape [4294967296,4294967296]: its size must be below "
            "2^63 bytes");
  EXPECT_EQ(why({{"a", DType::f32, {3}, data}, {"a", DType::f32, {3}, data}}),
            "cannot write tensor \"a\": a name must be unique and not __metadata__");
  EXPECT_EQ(why({{"__metadata__", DType::f32, {3}, data}}),
            "cannot write tensor \"__metadata__\": a name must be unique and not __metadata__");
  const std::string utf8 = "cannot write tensors: names and metadata must be UTF-8";
  EXPECT_EQ(why({{"\xff", DType::f32, {3}, data}}), utf8);
  EXPECT_EQ(why({}, {{"k", "\xff"}}), utf8);
  EXPECT_FALSE(fs::exists(path));
}

class Shards : public Checkpoints {
 protected:
  Shards() {
    const float values[] = {1, 2};
    const auto data = std::as_bytes(std::span(values));
    const Tensor first[] = {{"a", DType::f32, {2}, data}, {"b", DType::f32, {1}, data.first(4)}};
    const Tensor second[] = {{"c", DType::f32, {1}, data.last(4)}};
    write(folder / "one.safetensors", first);
    write(folder / "two.safetensors", second);
  }
  // Writes an index with this weight_map and returns what opening the folder says.
  std::string opened(const std::string& map) {
    write_file(index, R"({"metadata":{"total_size":12},"weight_map":)" + map + "}");
    return refusal(folder);
  }
  fs::path index = folder / "model.safetensors.index.json";
  std::string one = (folder / "one.safetensors").string();
};

TEST_F(Shards, AreReadAsOneCheckpoint) {
  ASSERT_EQ(opened(R"({"c":"two.safetensors","a":"one.safetensors","b":"one.safetensors"})"),
            "no error");
  for (const fs::path& path : {folder, index}) {
    Reader first(path);
    const Reader reader = std::move(first);
    EXPECT_EQ(reader.tensors().size(), 3u);
    EXPECT_EQ(reader.at("c").as<float>()[0], 2);
    EXPECT_EQ(reader.at("a").count(), 2);
    EXPECT_EQ(reader.metadata().at("total_size"), "12");
  }
}

TEST_F(Shards, RefuseAnIndexThatIsNotTheirs) {
  EXPECT_EQ(opened(R"({"a":"one.safetensors","b":"two.safetensors","c":"two.safetensors"})"),
            one + " holds tensor \"b\", which the index does not expect there");
  EXPECT_EQ(opened(R"({"a":"one.safetensors"})"),
            one + " holds tensor \"b\", which the index does not expect there");
  EXPECT_EQ(opened(R"({"a":"one.safetensors","b":"one.safetensors","d":"one.safetensors"})"),
            one + " lacks 1 tensors that the index expects there");
  EXPECT_EQ(
      opened(R"({"a":"three.safetensors"})"),
      "cannot map " + (folder / "three.safetensors").string() + ": No such file or directory");
  for (const char* bad : {"\"../one.safetensors\"", "\"/etc/passwd\"", "1", "null"})
    EXPECT_EQ(opened(std::string(R"({"a":)") + bad + "}"),
              index.string() + ": tensor \"a\": a shard must be a plain file name")
        << bad;
  EXPECT_EQ(opened(R"({"a":"one.safetensors","a":"two.safetensors"})"),
            index.string() + ": \"a\" stands there twice");
  EXPECT_EQ(opened("[]"), index.string() +
                              ": an index must be an object with an object "
                              "weight_map");
}

TEST_F(Shards, AFolderMustHoldOneCheckpoint) {
  EXPECT_EQ(refusal(folder), folder.string() +
                                 " holds neither model.safetensors nor "
                                 "model.safetensors.index.json");
  write(folder / "model.safetensors", {});
  EXPECT_EQ(refusal(folder), "no error");
  EXPECT_EQ(opened("{}"), folder.string() +
                              " holds both model.safetensors and model.safetensors.index.json: "
                              "name the one you mean");
}

}  // namespace
}  // namespace nibble::safetensors
