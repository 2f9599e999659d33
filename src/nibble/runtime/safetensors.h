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
// dtypes: F64 F32 F16 BF16 F8_E4M3 F8_E5M2 F8_E8M0 I64 I32 I16 I8 U64 U32 U16 U8 have a DType.
// BOOL, F4, F6_E2M3, F6_E3M2, F8_E4M3FNUZ, F8_E5M2FNUZ (bytes) and C64 (u64) have none:
// Tensor::stored says so, and they are copied as they are.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/base/op.h"
#include "nibble/runtime/files.h"
#include "nibble/runtime/mapped_file.h"

namespace nibble::safetensors {

inline constexpr int64_t kMaxHeaderBytes = 100'000'000;  // the limit of other readers too

struct Tensor {
  std::string name;
  DType type = DType::f32;
  std::vector<int64_t> shape;  // row-major, of the file's elements; empty: one element
  std::span<const std::byte> data;
  std::string_view stored = {};  // the file's dtype where it has no DType, else empty

  // Of `type`: for F4, bytes.
  int64_t count() const { return int64_t(data.size()) / nibble::bytes_of(type); }
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

struct Index {
  std::map<std::string, std::string> shards;  // tensor -> plain name of the file that holds it
  Metadata metadata;
};
// An index that is in memory; `called` names it in errors.
Index parse_index(std::string_view text, const std::string& called);

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
  // The names of the files, and of which of them each tensor is.
  std::span<const std::string> shards() const { return shards_; }
  size_t shard_of(size_t tensor) const { return shard_of_.at(tensor); }
  const Metadata& shard_metadata(size_t shard) const { return shard_metadata_.at(shard); }
  bool has_index() const { return has_index_; }

 private:
  void read_file(const std::filesystem::path&);
  void read_index(const std::filesystem::path&);

  std::string called_;
  std::vector<MappedFile> files_;
  std::vector<Tensor> tensors_;
  std::map<std::string, size_t, std::less<>> by_name_;
  Metadata metadata_;
  std::vector<std::string> shards_;
  std::vector<size_t> shard_of_;
  std::vector<Metadata> shard_metadata_;
  bool has_index_ = false;
};

// A tensor without its data.
struct Entry {
  std::string name;
  DType type = DType::f32;
  std::vector<int64_t> shape;
  std::string_view stored = {};
};
int64_t bytes_of(const Entry&);  // throws if a shape is too large

// Writes a file as AtomicFile does, of tensors whose data come piece by piece and in any order, so
// that none has to be in memory whole. The header is padded with spaces so that the data starts at
// a multiple of 64, and tensors are stored by falling element size, else in the order given: each
// lies aligned to its element. The whole file is reserved at first: a full disk is an error then.
class Writer {
 public:
  Writer(const std::filesystem::path&, std::span<const Entry>, const Metadata& = {});
  // `begin` counts bytes from the start of the tensor. Not two threads at a time.
  void put(size_t entry, int64_t begin, std::span<const std::byte>);
  void commit();  // throws if a tensor has not got as many bytes as it has

 private:
  struct Place {
    std::string name;
    int64_t at = 0, bytes = 0, left = 0;
  };
  std::optional<AtomicFile> file_;
  std::vector<Place> places_;
};

// The same of tensors in memory.
void write(const std::filesystem::path&, std::span<const Tensor>, const Metadata& = {});

// "BF16", as the format spells it.
std::string_view format_name(DType);

}  // namespace nibble::safetensors
