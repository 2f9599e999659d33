#include "nibble/runtime/checkpoint_writer.h"

#include <algorithm>

#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"
#include "nibble/runtime/quantisation_config.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;
constexpr const char* kIndex = "model.safetensors.index.json";

// Weights in some form, what describes them, and what is written anew.
bool is_left_out(const fs::path& file) {
  const std::string name = file.filename().string(), extension = file.extension().string();
  for (const char* e : {".safetensors", ".gguf", ".bin", ".pt", ".pth", ".h5", ".onnx", ".tmp"})
    if (extension == e) return true;
  return name.ends_with(".index.json") || name == "config.json" || name == "hf_quant_config.json" ||
         name == "lock";
}

}  // namespace

CheckpointWriter::CheckpointWriter(const Source& source, fs::path out)
    : source_(source),
      out_(std::move(out)),
      one_file_(out_.extension() == ".safetensors"),
      names_(source.shards().begin(), source.shards().end()),
      entries_(names_.size()) {
  if (one_file_ && names_.size() != 1)
    throw Error("the input has " + std::to_string(names_.size()) +
                " shards: the output must be a " + "folder, not " + out_.string());
  std::error_code none;
  if (one_file_ && fs::exists(out_, none))
    throw Error(out_.string() + " is there already: a new file is needed");
  if (!one_file_ && !(source.safetensors() && source.safetensors()->has_index()))
    names_ = {"model.safetensors"};
  if (!one_file_) folder_.emplace(out_);
}

size_t CheckpointWriter::add(size_t shard, safetensors::Entry entry) {
  if (!taken_.insert(entry.name).second)
    throw Error("cannot write tensor " + in_quotes(entry.name) +
                ": the input has another one of this name");
  bytes_ += safetensors::bytes_of(entry);
  entries_.at(shard).push_back(std::move(entry));
  places_.push_back({shard, entries_[shard].size() - 1});
  return places_.size() - 1;
}

fs::path CheckpointWriter::file_of(size_t shard) const {
  return one_file_ ? out_ : folder_->temporary() / names_[shard];
}

void CheckpointWriter::begin(const std::string& quantisation_config,
                             const safetensors::Metadata& more) {
  quantisation_config_ = quantisation_config;
  for (size_t i = 0; i < names_.size(); ++i) {
    safetensors::Metadata metadata =
        source_.safetensors() ? source_.safetensors()->shard_metadata(i) : safetensors::Metadata();
    metadata.erase("quantization_config");
    if (!quantisation_config.empty() && (one_file_ || source_.config().empty()))
      metadata["quantization_config"] = quantisation_config;
    for (const auto& [key, value] : more) metadata[key] = value;
    writers_.push_back(std::make_unique<safetensors::Writer>(file_of(i), entries_[i], metadata));
  }
}

void CheckpointWriter::put(size_t tensor, int64_t begin, std::span<const std::byte> data) {
  const Place& p = places_.at(tensor);
  writers_.at(p.shard)->put(p.entry, begin, data);
}

void CheckpointWriter::commit() {
  for (const auto& w : writers_) w->commit();
  if (one_file_) return;
  const fs::path& folder = folder_->temporary();
  if (source_.safetensors() && source_.safetensors()->has_index()) {
    std::vector<std::pair<std::string, std::string>> map;
    for (const Place& p : places_)
      map.emplace_back(entries_[p.shard][p.entry].name, names_[p.shard]);
    write_file(folder / kIndex, make_index(map, bytes_));
  }
  if (!source_.folder().empty()) {
    if (const std::string config = source_.config(); !config.empty())
      write_file(folder / "config.json",
                 with_quantisation_config(config, quantisation_config_,
                                          (source_.folder() / "config.json").string()));
    for (const auto& entry : fs::directory_iterator(source_.folder()))
      if (entry.is_regular_file() && !is_left_out(entry.path()))
        write_file(folder / entry.path().filename(), read_file(entry.path()));
  }
  folder_->commit();
}

}  // namespace nibble
