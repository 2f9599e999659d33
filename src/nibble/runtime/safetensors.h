// safetensors: named tensors in a file, as model hubs and our checkpoints keep them.
//
//   8 bytes   n, the length of the header, little-endian
//   n bytes   a JSON object in UTF-8, spaces behind it allowed:
//             {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3],
//             "data_offsets": [begin, end]}, ...}
//   the rest  the data; offsets count from its first byte
//
// Reading trusts nothing: lengths and offsets are checked before they are used, and a file with a
// hole, an overlap, a duplicate name, a byte too few or too many, or anything above that is not
// understood is refused whole. Errors are nibble::Error with one sentence.
//
// dtypes: F64 F32 F16 BF16 F8_E4M3 F8_E5M2 F8_E8M0 I64 I32 I16 I8 U64 U32 U16 U8, and BOOL, which
// is read as u8 and never written.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/base/op.h"
#include "nibble/runtime/mapped_file.h"

namespace nibble::safetensors {

inline constexpr int64_t kMaxHeaderBytes = 100'000'000;  // the limit of other readers too

struct Tensor {
  std::string name;
  DType type = DType::f32;
  std::vector<int64_t> shape;  // row-major; empty: one element
  std::span<const std::byte> data;

  int64_t count() const { return int64_t(data.size()) / bytes_of(type); }
  // The elements in place. Throws if the type is another, or if the data is not aligned for T: the
  // format promises no alignment (files of write() have it).
  template <class T>
  std::span<const T> as() const {
    require(DTypeOf<T>::value, alignof(T));
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }

 private:
  void require(DType, size_t alignment) const;
};

using Metadata = std::map<std::string, std::string, std::less<>>;

struct Contents {
  std::vector<Tensor> tensors;  // in the order of their data, which they point into
  Metadata metadata;
};

// The contents of a file that is in memory; `called` names it in errors.
Contents parse(std::span<const std::byte> file, const std::string& called);

// A checkpoint on disk, mapped into memory: a .safetensors file, an index
// (model.safetensors.index.json, whose shards lie beside it), or a folder that holds
// model.safetensors or that index. Index and shards must name the same tensors.
class Reader {
 public:
  explicit Reader(const std::filesystem::path&);

  std::span<const Tensor> tensors() const {
    return tensors_;
  }                                                 // shard by shard, as their data lies
  const Tensor* find(std::string_view name) const;  // null: there is none
  const Tensor& at(std::string_view name) const;    // throws
  // at(), and throws if type or shape are others.
  const Tensor& at(std::string_view name, DType, std::span<const int64_t> shape) const;
  const Metadata& metadata() const { return metadata_; }  // of a sharded checkpoint: the index's

 private:
  void read_file(const std::filesystem::path&);
  void read_index(const std::filesystem::path&);

  std::string called_;
  std::vector<MappedFile> files_;
  std::vector<Tensor> tensors_;
  std::map<std::string, size_t, std::less<>> by_name_;
  Metadata metadata_;
};

// Writes a file as AtomicFile does. The header is padded with spaces so that the data starts at a
// multiple of 8, and tensors are stored by falling element size, else in the order given: each
// lies aligned to its element.
void write(const std::filesystem::path&, std::span<const Tensor>, const Metadata& = {});

// "BF16", as the format spells it.
std::string_view format_name(DType);

}  // namespace nibble::safetensors
