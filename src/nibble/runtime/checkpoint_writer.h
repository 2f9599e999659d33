// A checkpoint that is made from another one: the same shards with other tensors in them, and the
// small files beside them. It is there whole or not at all.
#pragma once
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "nibble/runtime/files.h"
#include "nibble/runtime/source.h"

namespace nibble {

class CheckpointWriter {
 public:
  // `out` ends in .safetensors, or is a folder that is not there yet or empty.
  CheckpointWriter(const Source&, std::filesystem::path out);

  // First every tensor is added, with the shard of the input that it belongs to, ...
  size_t add(size_t shard, safetensors::Entry);
  // ... then begin() makes the files, and put() fills them in any order.
  void begin(const std::string& quantisation_config, const safetensors::Metadata& more = {});
  void put(size_t tensor, int64_t begin, std::span<const std::byte>);
  // Index, config.json, copies of the other files; then everything gets its name.
  void commit();

  int64_t bytes() const { return bytes_; }  // of all tensors that were added

 private:
  struct Place {
    size_t shard = 0, entry = 0;
  };
  std::filesystem::path file_of(size_t shard) const;

  const Source& source_;
  std::filesystem::path out_;
  bool one_file_ = false;
  std::string quantisation_config_;
  std::vector<std::string> names_;                        // of shards
  std::vector<std::vector<safetensors::Entry>> entries_;  // of each shard
  std::vector<Place> places_;
  std::set<std::string> taken_;
  std::optional<AtomicFolder> folder_;
  std::vector<std::unique_ptr<safetensors::Writer>> writers_;
  int64_t bytes_ = 0;
};

}  // namespace nibble
