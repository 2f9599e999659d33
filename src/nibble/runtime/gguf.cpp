#include "nibble/runtime/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"

namespace nibble::gguf {
namespace {

constexpr Format kFormats[] = {
    {Type::f32, "F32", 1, 4},        {Type::f16, "F16", 1, 2},
    {Type::bf16, "BF16", 1, 2},      {Type::f64, "F64", 1, 8},
    {Type::i8, "I8", 1, 1},          {Type::i16, "I16", 1, 2},
    {Type::i32, "I32", 1, 4},        {Type::i64, "I64", 1, 8},
    {Type::q8_0, "Q8_0", 32, 34},    {Type::mxfp4, "MXFP4", 32, 17},
    {Type::nvfp4, "NVFP4", 64, 36},  {Type::tq1_0, "TQ1_0", 256, 54},
    {Type::tq2_0, "TQ2_0", 256, 66},
};
constexpr int kMaxDimensions = 4;

struct KindInfo {
  const char* name;
  int bytes;  // 0: not of one size
};
constexpr KindInfo kKinds[] = {{"u8", 1},  {"i8", 1},  {"u16", 2},  {"i16", 2},    {"u32", 4},
                               {"i32", 4}, {"f32", 4}, {"bool", 1}, {"string", 0}, {"array", 0},
                               {"u64", 8}, {"i64", 8}, {"f64", 8}};

template <class T>
T load(const std::byte* p) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// UTF-8 without overlong forms, surrogates and code points past U+10FFFF.
bool is_utf8(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    const auto c = uint8_t(s[i]);
    const size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : 3;
    if (c >= 0x80 && (c < 0xc2 || c > 0xf4)) return false;
    if (s.size() - i <= more) return false;
    uint32_t point = more == 0 ? c : c & (0x3fu >> more);
    for (size_t j = 1; j <= more; ++j) {
      const auto d = uint8_t(s[i + j]);
      if ((d & 0xc0) != 0x80) return false;
      point = point << 6 | (d & 0x3f);
    }
    if ((more == 2 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) ||
        (more == 3 && (point < 0x10000 || point > 0x10ffff)))
      return false;
    i += more + 1;
  }
  return true;
}

// The bytes not read yet. Whatever is taken is there, or an error says what was being read.
class Cursor {
 public:
  Cursor(std::span<const std::byte> file, const std::string& called)
      : file_(file), called_(called) {}

  [[noreturn]] void fail(const std::string& why) const { throw Error(called_ + ": " + why); }
  size_t left() const { return file_.size() - at_; }
  size_t at() const { return at_; }
  std::span<const std::byte> take(uint64_t bytes, const std::string& what) {
    if (bytes > left())
      fail("the file ends within " + what + ": " + std::to_string(bytes) +
           " bytes are needed at byte " + std::to_string(at_) + " of " +
           std::to_string(file_.size()));
    const auto taken = file_.subspan(at_, size_t(bytes));
    at_ += size_t(bytes);
    return taken;
  }
  template <class T>
  T number(const std::string& what) {
    return load<T>(take(sizeof(T), what).data());
  }
  std::span<const std::byte> string(const std::string& what) {
    const auto length = number<uint64_t>("the length of " + what);
    const auto text = take(length, what);
    if (!is_utf8({reinterpret_cast<const char*>(text.data()), text.size()}))
      fail(what + " is not UTF-8");
    return text;
  }

 private:
  std::span<const std::byte> file_;
  const std::string& called_;
  size_t at_ = 0;
};

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Kind read_kind(Cursor& c, const std::string& what) {
  const auto kind = c.number<uint32_t>("the kind of " + what);
  if (kind >= std::size(kKinds))
    c.fail(what + " is of kind " + std::to_string(kind) + ": kinds go from 0 to " +
           std::to_string(std::size(kKinds) - 1));
  return Kind(kind);
}

void check_booleans(Cursor& c, std::span<const std::byte> data, const std::string& what) {
  for (std::byte b : data)
    if (b > std::byte(1)) c.fail(what + " is a bool that is neither 0 nor 1");
}

// `count` values of a kind in a row.
std::span<const std::byte> read_values(Cursor& c, Kind kind, uint64_t count,
                                       const std::string& what) {
  const auto width = uint64_t(kKinds[size_t(kind)].bytes);
  if (width != 0) {
    if (count > c.left() / width)
      c.fail("the file ends within " + what + ": it has " + std::to_string(count) +
             " elements and " + std::to_string(c.left()) + " bytes follow");
    const auto data = c.take(count * width, what);
    if (kind == Kind::boolean) check_booleans(c, data, what);
    return data;
  }
  Cursor from = c;
  const size_t start = c.at();
  for (uint64_t i = 0; i < count; ++i) c.string(what);
  return from.take(c.at() - start, what);
}

Value read_value(Cursor& c, const std::string& what) {
  Value v{.kind = read_kind(c, what), .data = {}};
  if (v.kind == Kind::string) {
    v.data = c.string(what);
  } else if (v.kind == Kind::array) {
    v.element = read_kind(c, "the elements of " + what);
    if (v.element == Kind::array) c.fail(what + " is an array of arrays, which are not supported");
    v.count = c.number<uint64_t>("the length of " + what);
    v.data = read_values(c, v.element, v.count, what);
  } else {
    v.data = read_values(c, v.kind, 1, what);
  }
  return v;
}

struct Info {
  Tensor tensor;
  uint64_t offset = 0, bytes = 0;
};

const Format& read_type(Cursor& c, const std::string& what) {
  const auto type = c.number<uint32_t>("the type of " + what);
  for (const Format& f : kFormats)
    if (uint32_t(f.type) == type) return f;
  std::string known;
  for (const Format& f : kFormats) known += " " + std::string(f.name);
  c.fail(what + " is of type " + std::to_string(type) + ", which is none of" + known);
}

Info read_info(Cursor& c) {
  Info info;
  info.tensor.name = text_of(c.string("the name of a tensor"));
  const std::string what = "tensor " + in_quotes(info.tensor.name);
  const auto dimensions = c.number<uint32_t>("the dimensions of " + what);
  if (dimensions > uint32_t(kMaxDimensions))
    c.fail(what + " has " + std::to_string(dimensions) + " dimensions: at most " +
           std::to_string(kMaxDimensions) + " are allowed");
  // Dimensions of 0 are left out of the product at first: callers multiply in any order.
  int64_t count = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const auto d = c.number<uint64_t>("the dimensions of " + what);
    if (d > uint64_t(INT64_MAX) ||
        __builtin_mul_overflow(count, std::max(int64_t(d), int64_t(1)), &count))
      c.fail(what + " is too large: its elements must be fewer than 2^63");
    info.tensor.shape.insert(info.tensor.shape.begin(), int64_t(d));
  }
  const auto& shape = info.tensor.shape;
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) count = 0;
  const Format& format = read_type(c, what);
  info.tensor.type = format.type;
  const int64_t row = dimensions == 0 ? 1 : info.tensor.shape.back();
  if (row % format.elements != 0)
    c.fail(what + " has rows of " + std::to_string(row) + " elements: " + std::string(format.name) +
           " has blocks of " + std::to_string(format.elements));
  const __int128 bytes = __int128(count) / format.elements * format.bytes;
  if (bytes > INT64_MAX) c.fail(what + " is too large: its size must be below 2^63 bytes");
  info.bytes = uint64_t(bytes);
  info.offset = c.number<uint64_t>("the offset of " + what);
  return info;
}

uint64_t alignment_of(Cursor& c, const Contents& contents) {
  const auto it = contents.metadata.find("general.alignment");
  if (it == contents.metadata.end()) return 32;
  const Value& v = it->second;
  const uint32_t alignment = v.kind == Kind::u32 ? load<uint32_t>(v.data.data()) : 0;
  if (!std::has_single_bit(alignment))
    c.fail("general.alignment must be a power of two of kind u32, not " + v.shown());
  return alignment;
}

// Tensors sorted by offset must follow one another with nothing but padding between them.
void place(Cursor& c, std::vector<Info>& infos, std::span<const std::byte> data, uint64_t alignment,
           Contents& contents) {
  std::sort(infos.begin(), infos.end(), [](const Info& a, const Info& b) {
    return std::pair(a.offset, a.bytes) < std::pair(b.offset, b.bytes);
  });
  uint64_t at = 0;
  for (Info& info : infos) {
    const std::string what = "tensor " + in_quotes(info.tensor.name);
    if (info.offset > data.size() || info.bytes > data.size() - info.offset)
      c.fail(what + " ends at byte " + std::to_string(info.offset) + " + " +
             std::to_string(info.bytes) + " of " + std::to_string(data.size()) + " bytes of data");
    if (info.offset != at)
      c.fail(what + " starts at byte " + std::to_string(info.offset) + " of the data where byte " +
             std::to_string(at) + " was due: tensors must follow one another, each aligned to " +
             std::to_string(alignment));
    info.tensor.data = data.subspan(size_t(info.offset), size_t(info.bytes));
    at += (info.bytes + alignment - 1) / alignment * alignment;
    contents.tensors.push_back(std::move(info.tensor));
  }
  if (data.size() > at)
    c.fail(std::to_string(data.size() - at) + " bytes at the end belong to no tensor");
}

}  // namespace

const Format& format_of(Type type) {
  for (const Format& f : kFormats)
    if (f.type == type) return f;
  throw Error("GGUF has no type " + std::to_string(uint32_t(type)) + " here");
}

std::string_view Value::text() const {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

bool Value::whole(int64_t& value) const {
  const std::byte* p = data.data();
  switch (kind) {
    case Kind::u8:
    case Kind::boolean:
      return value = load<uint8_t>(p), true;
    case Kind::i8:
      return value = load<int8_t>(p), value >= 0;
    case Kind::u16:
      return value = load<uint16_t>(p), true;
    case Kind::i16:
      return value = load<int16_t>(p), value >= 0;
    case Kind::u32:
      return value = load<uint32_t>(p), true;
    case Kind::i32:
      return value = load<int32_t>(p), value >= 0;
    case Kind::u64:
    case Kind::i64:
      return value = load<int64_t>(p), value >= 0;
    default:
      return false;
  }
}

std::string Value::shown() const {
  const std::byte* p = data.data();
  switch (kind) {
    case Kind::string:
      return in_quotes(text());
    case Kind::array:
      return std::string(kKinds[size_t(element)].name) + "[" + std::to_string(count) + "]";
    case Kind::boolean:
      return load<uint8_t>(p) ? "true" : "false";
    case Kind::f32:
      return nlohmann::json(load<float>(p)).dump();
    case Kind::f64:
      return nlohmann::json(load<double>(p)).dump();
    case Kind::i8:
      return std::to_string(load<int8_t>(p));
    case Kind::i16:
      return std::to_string(load<int16_t>(p));
    case Kind::i32:
      return std::to_string(load<int32_t>(p));
    case Kind::i64:
      return std::to_string(load<int64_t>(p));
    case Kind::u64:
      return std::to_string(load<uint64_t>(p));
    default: {
      int64_t value = 0;
      whole(value);
      return std::to_string(value);
    }
  }
}

int64_t Tensor::count() const {
  const Format& f = format_of(type);
  return int64_t(data.size()) / f.bytes * f.elements;
}

Contents parse(std::span<const std::byte> file, const std::string& called) {
  Cursor c(file, called);
  if (file.size() < 4 || text_of(file.first(4)) != "GGUF")
    c.fail("this is no GGUF file, which starts with the letters GGUF");
  c.take(4, "the header");
  const auto version = c.number<uint32_t>("the version");
  if ((version & 0xffff) == 0 && version != 0)
    c.fail("this GGUF file is big-endian: little-endian ones are read");
  if (version != 2 && version != 3)
    c.fail("this GGUF file is of version " + std::to_string(version) + ": 2 and 3 are read");
  const auto tensors = c.number<uint64_t>("the header");
  const auto values = c.number<uint64_t>("the header");
  // Of the least sizes that entries can have: a count that cannot be true is not looped over.
  constexpr uint64_t kLeastValue = 8 + 4 + 1, kLeastTensor = 8 + 4 + 4 + 8;
  if (values > c.left() / kLeastValue || tensors > c.left() / kLeastTensor)
    c.fail(std::to_string(values) + " values and " + std::to_string(tensors) +
           " tensors do not fit into the file");

  Contents contents;
  contents.version = int(version);
  for (uint64_t i = 0; i < values; ++i) {
    const std::string key = text_of(c.string("a key of the metadata"));
    const Value value = read_value(c, "the value of " + in_quotes(key));
    if (!contents.metadata.emplace(key, value).second)
      c.fail("the key " + in_quotes(key) + " stands there twice");
  }
  const uint64_t alignment = alignment_of(c, contents);
  std::vector<Info> infos;
  std::set<std::string> names;
  for (uint64_t i = 0; i < tensors; ++i) {
    infos.push_back(read_info(c));
    const std::string& name = infos.back().tensor.name;
    if (!names.insert(name).second) c.fail("tensor " + in_quotes(name) + " stands there twice");
  }
  // Files without tensors may end before the padding.
  const uint64_t padding = (alignment - c.at() % alignment) % alignment;
  if (!infos.empty() || c.left() >= padding) c.take(padding, "the padding before the data");
  place(c, infos, c.take(c.left(), "the data"), alignment, contents);
  return contents;
}

Reader::Reader(const std::filesystem::path& path)
    : file_(path), contents_(parse(file_.bytes(), path.string())) {}

}  // namespace nibble::gguf
