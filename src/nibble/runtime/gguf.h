// GGUF: a model in one file, as llama.cpp keeps them. Little-endian, versions 2 and 3:
//
//   "GGUF", u32 version, u64 tensors, u64 values
//   values   of metadata: a string key, u32 kind, the value; a string is u64 length and UTF-8, an
//            array is u32 kind, u64 count and the elements
//   tensors  a string name, u32 dimensions, u64 each (the fastest first), u32 type, u64 offset
//   padding  to a multiple of general.alignment (32 unless it is given)
//   data     offsets count from here; each tensor is padded to the alignment
//
// Reading trusts nothing: every length is checked before it is used, and a file with a duplicate
// name, an overlap, a hole, or anything that is not understood is refused whole. Errors are
// nibble::Error with one sentence.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/runtime/mapped_file.h"

namespace nibble::gguf {

// As files number them. Other types have no reader here.
enum class Type : uint32_t {
  f32 = 0,
  f16 = 1,
  q8_0 = 8,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  bf16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39,
  nvfp4 = 40
};

// Elements along a row lie in blocks.
struct Format {
  Type type = Type::f32;
  std::string_view name;
  int elements = 1, bytes = 4;  // of a block
};
const Format& format_of(Type);

enum class Kind : uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};

struct Value {
  Kind kind = Kind::u8;
  Kind element = Kind::u8;  // of an array; arrays of arrays are refused
  uint64_t count = 1;       // of an array
  std::span<const std::byte>
      data;  // of the value; of an array: its elements; of a string: its text

  std::string_view text() const;  // of a string
  // Of a number or boolean that is whole and in [0, 2^63); false otherwise.
  bool whole(int64_t&) const;
  // For people: numbers and strings in JSON, arrays as "string[32000]".
  std::string shown() const;
};

struct Tensor {
  std::string name;
  Type type = Type::f32;
  std::vector<int64_t> shape;  // row-major: the fastest dimension last
  std::span<const std::byte> data;

  int64_t count() const;
};

struct Contents {
  int version = 3;
  std::vector<Tensor> tensors;  // in the order of their data, which they point into
  std::map<std::string, Value, std::less<>> metadata;
};

// The contents of a file that is in memory; `called` names it in errors.
Contents parse(std::span<const std::byte> file, const std::string& called);

// A file, mapped into memory.
class Reader {
 public:
  explicit Reader(const std::filesystem::path&);
  std::span<const Tensor> tensors() const { return contents_.tensors; }
  const Contents& contents() const { return contents_; }

 private:
  MappedFile file_;
  Contents contents_;
};

// Whole blocks to floats, as ggml's reference has them, bit for bit but for NaNs; f64 and i64 are
// rounded. `to` has as many elements as the blocks.
void dequantise(Type, std::span<const std::byte> blocks, std::span<float> to);

}  // namespace nibble::gguf
