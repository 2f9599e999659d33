#include "nibble/runtime/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"

namespace nibble::safetensors {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

struct Format {
  std::string_view name;
  DType type;
};
constexpr Format kFormats[] = {
    {"F64", DType::f64},       {"F32", DType::f32},      {"F16", DType::fp16},
    {"BF16", DType::bf16},     {"F8_E4M3", DType::e4m3}, {"F8_E5M2", DType::e5m2},
    {"F8_E8M0", DType::ue8m0}, {"I64", DType::i64},      {"I32", DType::i32},
    {"I16", DType::i16},       {"I8", DType::i8},        {"U64", DType::u64},
    {"U32", DType::u32},       {"U16", DType::u16},      {"U8", DType::u8},
    {"BOOL", DType::u8},  // behind U8, which is what u8 is written as
};
constexpr std::string_view kMetadata = "__metadata__";

// A name as a JSON string, so that whatever it holds stays on one line of a message.
std::string in_quotes(std::string_view name) {
  return json(name).dump(-1, ' ', true, json::error_handler_t::replace);
}

std::string listed(std::span<const int64_t> shape) { return json(shape).dump(); }

// JSON that may be hostile: no key twice in an object (a parser would silently keep one of them)
// and no nesting past `depth`.
json parse_json(std::string_view text, size_t depth, const std::string& called) {
  // The parser takes it for the end and would ignore what follows.
  if (text.find('\0') != std::string_view::npos)
    throw Error(called + ": this is not JSON in UTF-8: it holds a zero byte");
  std::vector<std::set<std::string>> keys;  // of the objects and arrays that are open
  const auto watch = [&](int, json::parse_event_t event, json& value) {
    using Event = json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (keys.size() == depth)
        throw Error(called + ": JSON here is nested at most " + std::to_string(depth) + " deep");
      keys.emplace_back();
    } else if (event == Event::object_end || event == Event::array_end) {
      keys.pop_back();
    } else if (event == Event::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second)
        throw Error(called + ": " + in_quotes(key) + " stands there twice");
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::exception& e) {
    const std::string why = e.what();  // "[json.exception.parse_error.101] parse error at ..."
    const size_t at = why.find("] ");
    throw Error(called +
                ": this is not JSON in UTF-8: " + why.substr(at == std::string::npos ? 0 : at + 2));
  }
}

// [0, 2^63), or false.
bool whole_number(const json& j, int64_t& value) {
  if (!j.is_number_unsigned() || j.get<uint64_t>() > uint64_t(INT64_MAX)) return false;
  value = int64_t(j.get<uint64_t>());
  return true;
}

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
  const auto* format = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& f) {
    return dtype.is_string() && dtype == f.name;
  });
  if (format == std::end(kFormats)) {
    std::string known;
    for (const Format& f : kFormats) known += " " + std::string(f.name);
    fail("dtype " + dtype.dump() + " is none of" + known);
  }
  t.type = format->type;

  int64_t bytes = bytes_of(t.type);
  if (!shape.is_array()) fail("shape must be an array");
  for (const json& dimension : shape) {
    int64_t d = 0;
    if (!whole_number(dimension, d)) fail("a dimension must be a whole number below 2^63");
    if (__builtin_mul_overflow(bytes, d, &bytes)) fail("its size must be below 2^63 bytes");
    t.shape.push_back(d);
  }

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

int64_t elements(const Tensor& t, const char* verb) {
  int64_t n = 1;
  for (int64_t d : t.shape)
    if (d < 0 || __builtin_mul_overflow(n, d, &n))
      throw Error("cannot " + std::string(verb) + " tensor " + in_quotes(t.name) + " of shape " +
                  listed(t.shape) + ": its size must be below 2^63");
  return n;
}

// The header of what write() is given, which it checks.
std::string make_header(std::span<const Tensor* const> order, const Metadata& metadata) {
  ordered_json header = ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadata)] = metadata;
  int64_t at = 0;
  for (const Tensor* t : order) {
    if (t->name == kMetadata || header.contains(t->name))
      throw Error("cannot write tensor " + in_quotes(t->name) + ": a name must be unique and not " +
                  std::string(kMetadata));
    const int64_t n = elements(*t, "write"), size = int64_t(t->data.size());
    if (size % bytes_of(t->type) != 0 || size / bytes_of(t->type) != n)
      throw Error("cannot write tensor " + in_quotes(t->name) + ": " + std::to_string(size) +
                  " bytes are not " + std::string(format_name(t->type)) + " " + listed(t->shape));
    header[t->name] = {
        {"dtype", format_name(t->type)}, {"shape", t->shape}, {"data_offsets", {at, at + size}}};
    at += size;
  }
  try {
    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    if (int64_t(text.size()) <= kMaxHeaderBytes) return text;
  } catch (const json::exception&) {
    throw Error("cannot write tensors: names and metadata must be UTF-8");
  }
  throw Error("cannot write tensors: the header would be longer than " +
              std::to_string(kMaxHeaderBytes) + " bytes");
}

}  // namespace

std::string_view format_name(DType type) {
  for (const Format& f : kFormats)
    if (f.type == type) return f.name;
  throw Error("safetensors has no such dtype");
}

void Tensor::require(DType wanted, size_t alignment) const {
  if (type != wanted)
    throw Error("tensor " + in_quotes(name) + " is " + std::string(format_name(type)) + ", not " +
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
  for (size_t i = 0; i < tensors_.size(); ++i) by_name_[tensors_[i].name] = i;
}

void Reader::read_index(const fs::path& path) {
  const std::string called = path.string();
  const json index = parse_json(nibble::read_file(path), 2, called);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    throw Error(called + ": an index must be an object with an object weight_map");
  if (const auto it = index.find("metadata"); it != index.end() && it->is_object())
    for (const auto& [key, value] : it->items())
      metadata_[key] = value.is_string() ? value.get<std::string>() : value.dump();

  std::map<std::string, size_t> left;  // shard -> tensors the index expects there
  for (const auto& [name, shard] : index["weight_map"].items()) {
    // A shard lies beside its index: nothing else may be reached through it.
    if (!shard.is_string() ||
        shard.get_ref<const std::string&>().find_first_of("/\\") != std::string::npos)
      throw Error(called + ": tensor " + in_quotes(name) + ": a shard must be a plain file name");
    ++left[shard];
  }
  for (auto& [shard, expected] : left) {
    const fs::path file = path.parent_path() / shard;
    files_.emplace_back(file);
    for (Tensor& t : parse(files_.back().bytes(), file.string()).tensors) {
      const auto listed = index["weight_map"].find(t.name);
      if (listed == index["weight_map"].end() || *listed != shard)
        throw Error(file.string() + " holds tensor " + in_quotes(t.name) +
                    ", which the index does not expect there");
      --expected;
      by_name_[t.name] = tensors_.size();
      tensors_.push_back(std::move(t));
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
  if (t.type != type || !std::equal(t.shape.begin(), t.shape.end(), shape.begin(), shape.end()))
    throw Error(called_ + ": tensor " + in_quotes(name) + " is " +
                std::string(format_name(t.type)) + " " + listed(t.shape) + ", not " +
                std::string(format_name(type)) + " " + listed(shape));
  return t;
}

void write(const fs::path& path, std::span<const Tensor> tensors, const Metadata& metadata) {
  std::vector<const Tensor*> order;
  for (const Tensor& t : tensors) order.push_back(&t);
  std::stable_sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) {
    return bytes_of(a->type) > bytes_of(b->type);
  });
  const std::string header = make_header(order, metadata);
  std::byte length[8];
  for (int i = 0; i < 8; ++i) length[i] = std::byte(uint64_t(header.size()) >> 8 * i & 255);

  AtomicFile file(path);
  file.write(length);
  file.write(header);
  for (const Tensor* t : order) file.write(t->data);
  file.commit();
}

}  // namespace nibble::safetensors
