// A checkpoint to read from, whatever its kind: safetensors in one file, in shards or in a folder
// as model hubs have them, or GGUF.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nibble/numerics/floats.h"
#include "nibble/runtime/gguf.h"
#include "nibble/runtime/safetensors.h"

namespace nibble {

struct SourceTensor {
  // What a copy of it is in a safetensors file. Blocks of GGUF that have no dtype become F32.
  safetensors::Entry copy;
  std::string_view format;          // as the file calls it: "BF16", "Q8_0"
  std::span<const std::byte> data;  // as the file has it
  size_t shard = 0;
  bool blocks = false;  // of GGUF: `data` is not `copy` yet
  gguf::Type type = gguf::Type::f32;

  bool is_matrix_of_floats() const;  // f32, bf16, fp16 or blocks, of two or three dimensions
  int64_t cols() const { return copy.shape.empty() ? 1 : copy.shape.back(); }
  int64_t rows() const;  // all but the last dimension
};

class Source {
 public:
  explicit Source(const std::filesystem::path&);

  std::span<const SourceTensor> tensors() const { return tensors_; }
  const SourceTensor* find(std::string_view name) const;
  std::span<const std::string> shards() const { return shards_; }  // names of files
  const std::filesystem::path& path() const { return path_; }
  // The folder of the checkpoint, if it was named by its folder or index; empty for one file.
  const std::filesystem::path& folder() const { return folder_; }
  const safetensors::Metadata& metadata() const { return metadata_; }
  const safetensors::Reader* safetensors() const { return safetensors_.get(); }
  const gguf::Reader* gguf() const { return gguf_.get(); }
  std::string config() const;  // the text of folder()/config.json; empty: there is none

 private:
  std::filesystem::path path_, folder_;
  std::unique_ptr<safetensors::Reader> safetensors_;
  std::unique_ptr<gguf::Reader> gguf_;
  std::vector<SourceTensor> tensors_;
  std::vector<std::string> shards_;
  safetensors::Metadata metadata_;
};

// Rows of a matrix as one of the types that ops read, in place where the file allows it.
class RowReader {
 public:
  explicit RowReader(const SourceTensor& t) : tensor_(t) {}
  // Valid until the next call.
  Floats rows(int64_t begin, int64_t end);

 private:
  const SourceTensor& tensor_;
  std::vector<std::byte> bytes_;
  std::vector<float> floats_;
};

// Gives the bytes of the copy to `put`, piece by piece.
void copy_tensor(const SourceTensor&,
                 const std::function<void(int64_t begin, std::span<const std::byte>)>& put);

}  // namespace nibble
