#include "nibble/runtime/safetensors.h"

#include <algorithm>
#include <cstring>

#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"

namespace nibble::safetensors {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Behind BOOL: formats that have no DType. Their elements are read in units of one that has.
struct Format {
  std::string_view name;
  DType type;
  int bits;  // of an element
};
constexpr Format kFormats[] = {
    {"F64", DType::f64, 64},      {"F32", DType::f32, 32},       {"F16", DType::fp16, 16},
    {"BF16", DType::bf16, 16},    {"F8_E4M3", DType::e4m3, 8},   {"F8_E5M2", DType::e5m2, 8},
    {"F8_E8M0", DType::ue8m0, 8}, {"I64", DType::i64, 64},       {"I32", DType::i32, 32},
    {"I16", DType::i16, 16},      {"I8", DType::i8, 8},          {"U64", DType::u64, 64},
    {"U32", DType::u32, 32},      {"U16", DType::u16, 16},       {"U8", DType::u8, 8},
    {"BOOL", DType::u8, 8},       {"F4", DType::u8, 4},          {"F6_E2M3", DType::u8, 6},
    {"F6_E3M2", DType::u8, 6},    {"F8_E4M3FNUZ", DType::u8, 8}, {"F8_E5M2FNUZ", DType::u8, 8},
    {"C64", DType::u64, 64},
};
const Format* format_of(std::string_view name) {
  for (const Format& f : kFormats)
    if (f.name == name) return &f;
  return nullptr;
}
bool has_dtype(const Format& f) { return &f < format_of("BOOL"); }
constexpr std::string_view kMetadata = "__metadata__";

Metadata parse_metadata(const json& j, const std::string& called) {
  Metadata metadata;
  bool strings = j.is_object();
  if (strings)
    for (const auto& [key, value] : j.items()) {
      strings = strings && value.is_string();
      if (strings) metadata[key] = value.get<std::string>();
    }
  if (!strings) throw Error(called + ": __metadata__ must be an object of strings");
  return metadata;
}

// Null, or what is wrong with a shape.
const char* size_of(const Format& format, std::span<const int64_t> shape, int64_t& bytes) {
  constexpr const char* kTooLarge = "its size must be below 2^63 bytes";
  // Dimensions of 0 are left out of the product at first: callers multiply in any order.
  int64_t count = 1;
  for (int64_t d : shape)
    if (d < 0 || __builtin_mul_overflow(count, std::max(d, int64_t(1)), &count)) return kTooLarge;
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) count = 0;
  const __int128 bits = __int128(count) * format.bits;
  if (bits > __int128(INT64_MAX) * 8) return kTooLarge;
  if (bits % 8 != 0) return "its elements must fill whole bytes";
  bytes = int64_t(bits / 8);
  return nullptr;
}

// An entry of the header, with its data within `data`.
Tensor parse_tensor(const std::string& name, const json& entry, std::span<const std::byte> data,
                    const std::string& called) {
  const auto fail = [&](const std::string& why) {
    throw Error(called + ": tensor " + in_quotes(name) + ": " + why);
  };
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
      !entry.contains("shape") || !entry.contains("data_offsets"))
    fail("an entry has dtype, shape and data_offsets, and nothing else");

  Tensor t{.name = name};
  const json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
  const Format* format =
      dtype.is_string() ? format_of(dtype.get_ref<const std::string&>()) : nullptr;
  if (!format) {
    std::string known;
    for (const Format& f : kFormats) known += " " + std::string(f.name);
    fail("dtype " + dtype.dump(-1, ' ', true) + " is none of" + known);
  }
  t.type = format->type;
  if (!has_dtype(*format)) t.stored = format->name;

  if (!shape.is_array()) fail("shape must be an array");
  for (const json& dimension : shape) {
    t.shape.push_back(0);
    if (!whole_number(dimension, t.shape.back()))
      fail("a dimension must be a whole number below 2^63");
  }
  int64_t bytes = 0;
  if (const char* why = size_of(*format, t.shape, bytes)) fail(why);

  int64_t begin = 0, end = 0;
  if (!offsets.is_array() || offsets.size() != 2 || !whole_number(offsets[0], begin) ||
      !whole_number(offsets[1], end) || begin > end)
    fail("data_offsets must be two whole numbers, the end not before the beginning");
  if (end > int64_t(data.size()))
    fail("its data ends at byte " + std::to_string(end) + " of " + std::to_string(data.size()));
  if (end - begin != bytes)
    fail("its shape takes " + std::to_string(bytes) + " bytes, its data_offsets have " +
         std::to_string(end - begin));
  t.data = data.subspan(size_t(begin), size_t(bytes));
  return t;
}

// Tensors sorted by their data must follow one another and fill the data.
void check_tiling(std::span<const Tensor> tensors, std::span<const std::byte> data,
                  const std::string& called) {
  const std::byte* at = data.data();
  for (const Tensor& t : tensors) {
    if (t.data.data() != at)
      throw Error(called + ": tensor " + in_quotes(t.name) +
                  (t.data.data() < at ? " overlaps the one before it" : " lies behind a hole") +
                  ": tensors must follow one another");
    at += t.data.size();
  }
  const auto left = size_t(data.data() + data.size() - at);
  if (left != 0)
    throw Error(called + ": " + std::to_string(left) + " bytes at the end belong to no tensor");
}

std::string name_of(const Entry& e) {
  return std::string(e.stored.empty() ? format_name(e.type) : e.stored);
}

}  // namespace

int64_t bytes_of(const Entry& e) {
  const Format* format = format_of(e.stored.empty() ? format_name(e.type) : e.stored);
  int64_t bytes = 0;
  if (!format || format->type != e.type)
    throw Error("cannot write tensor " + in_quotes(e.name) + ": no dtype is called " +
                in_quotes(e.stored));
  if (const char* why = size_of(*format, e.shape, bytes))
    throw Error("cannot write tensor " + in_quotes(e.name) + " of shape " + listed(e.shape) + ": " +
                why);
  return bytes;
}

std::string_view format_name(DType type) {
  for (const Format& f : kFormats)
    if (f.type == type) return f.name;
  throw Error("safetensors has no such dtype");
}

void Tensor::require(DType wanted, size_t alignment) const {
  if (type != wanted || (!stored.empty() && stored != "BOOL"))
    throw Error("tensor " + in_quotes(name) + " is " + name_of({"", type, {}, stored}) + ", not " +
                std::string(format_name(wanted)));
  if (reinterpret_cast<uintptr_t>(data.data()) % alignment != 0)
    throw Error("tensor " + in_quotes(name) +
                " is not aligned to its elements in its file: copy it");
}

Contents parse(std::span<const std::byte> file, const std::string& called) {
  uint64_t length = 0;
  if (file.size() < sizeof length)
    throw Error(called + ": a file of " + std::to_string(file.size()) +
                " bytes is no safetensors file, which starts with an 8-byte header length");
  for (int i = 0; i < 8; ++i) length |= std::to_integer<uint64_t>(file[size_t(i)]) << 8 * i;
  const size_t rest = file.size() - sizeof length;
  if (length > rest || length > uint64_t(kMaxHeaderBytes))
    throw Error(called + ": a header of " + std::to_string(length) +
                " bytes does not fit: " + std::to_string(rest) + " bytes follow, and at most " +
                std::to_string(kMaxHeaderBytes) + " are allowed");
  const auto text = file.subspan(sizeof length, length);
  const auto data = file.subspan(sizeof length + length);

  const json header =
      parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, 3, called);
  if (!header.is_object()) throw Error(called + ": the header must be a JSON object");
  Contents contents;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadata)
      contents.metadata = parse_metadata(entry, called);
    else
      contents.tensors.push_back(parse_tensor(name, entry, data, called));
  }
  // Empty tensors come before the one that starts where they lie.
  std::sort(contents.tensors.begin(), contents.tensors.end(), [](const auto& a, const auto& b) {
    return std::pair(a.data.data(), a.data.size()) < std::pair(b.data.data(), b.data.size());
  });
  check_tiling(contents.tensors, data, called);
  return contents;
}

Reader::Reader(const fs::path& path) : called_(path.string()) {
  fs::path file = path;
  if (std::error_code none; fs::is_directory(path, none)) {
    const fs::path one = path / "model.safetensors", index = path / "model.safetensors.index.json";
    const bool has_one = fs::exists(one, none), has_index = fs::exists(index, none);
    if (has_one == has_index)
      throw Error(called_ + " holds " + (has_one ? "both" : "neither") + " model.safetensors " +
                  (has_one ? "and" : "nor") + " model.safetensors.index.json" +
                  (has_one ? ": name the one you mean" : ""));
    file = has_one ? one : index;
  }
  if (file.extension() == ".json")
    read_index(file);
  else
    read_file(file);
}

void Reader::read_file(const fs::path& path) {
  files_.emplace_back(path);
  Contents contents = parse(files_.back().bytes(), path.string());
  tensors_ = std::move(contents.tensors);
  metadata_ = std::move(contents.metadata);
  shard_metadata_.push_back(metadata_);
  for (size_t i = 0; i < tensors_.size(); ++i) by_name_[tensors_[i].name] = i;
  shards_.push_back(path.filename().string());
  shard_of_.assign(tensors_.size(), 0);
}

Index parse_index(std::string_view text, const std::string& called) {
  const json index = parse_json(text, 3, called);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    throw Error(called + ": an index must be an object with an object weight_map");
  Index parsed;
  if (const auto it = index.find("metadata"); it != index.end() && it->is_object())
    for (const auto& [key, value] : it->items())
      parsed.metadata[key] = value.is_string() ? value.get<std::string>() : value.dump();
  for (const auto& [name, shard] : index["weight_map"].items()) {
    // A shard lies beside its index: nothing else may be reached through it.
    const auto plain = [](const std::string& file) {
      return file.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos &&
             !file.empty() && file != "." && file != "..";
    };
    if (!shard.is_string() || !plain(shard.get_ref<const std::string&>()))
      throw Error(called + ": tensor " + in_quotes(name) + ": a shard must be a plain file name");
    parsed.shards[name] = shard;
  }
  return parsed;
}

void Reader::read_index(const fs::path& path) {
  Index index = parse_index(nibble::read_file(path), path.string());
  metadata_ = std::move(index.metadata);
  has_index_ = true;
  std::map<std::string, size_t> left;  // shard -> tensors the index expects there
  for (const auto& [name, shard] : index.shards) ++left[shard];
  for (auto& [shard, expected] : left) {
    const fs::path file = path.parent_path() / shard;
    files_.emplace_back(file);
    shards_.push_back(shard);
    Contents contents = parse(files_.back().bytes(), file.string());
    shard_metadata_.push_back(std::move(contents.metadata));
    for (Tensor& t : contents.tensors) {
      const auto listed = index.shards.find(t.name);
      if (listed == index.shards.end() || listed->second != shard)
        throw Error(file.string() + " holds tensor " + in_quotes(t.name) +
                    ", which the index does not expect there");
      --expected;
      by_name_[t.name] = tensors_.size();
      tensors_.push_back(std::move(t));
      shard_of_.push_back(files_.size() - 1);
    }
    if (expected != 0)
      throw Error(file.string() + " lacks " + std::to_string(expected) +
                  " tensors that the index expects there");
  }
}

const Tensor* Reader::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &tensors_[it->second];
}

const Tensor& Reader::at(std::string_view name) const {
  if (const Tensor* t = find(name)) return *t;
  throw Error(called_ + " has no tensor " + in_quotes(name));
}

const Tensor& Reader::at(std::string_view name, DType type, std::span<const int64_t> shape) const {
  const Tensor& t = at(name);
  if (t.type != type || !(t.stored.empty() || t.stored == "BOOL") ||
      !std::equal(t.shape.begin(), t.shape.end(), shape.begin(), shape.end()))
    throw Error(called_ + ": tensor " + in_quotes(name) + " is " +
                name_of({"", t.type, {}, t.stored}) + " " + listed(t.shape) + ", not " +
                std::string(format_name(type)) + " " + listed(shape));
  return t;
}

}  // namespace nibble::safetensors
