#include "nibble/runtime/source.h"

#include <algorithm>
#include <cstring>

#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kPieceBytes = 16 << 20;

// The DType of a GGUF type that is no block format; false for blocks.
bool plain_type(gguf::Type type, DType& plain) {
  switch (type) {
    case gguf::Type::f32:
      return plain = DType::f32, true;
    case gguf::Type::f16:
      return plain = DType::fp16, true;
    case gguf::Type::bf16:
      return plain = DType::bf16, true;
    case gguf::Type::f64:
      return plain = DType::f64, true;
    case gguf::Type::i8:
      return plain = DType::i8, true;
    case gguf::Type::i16:
      return plain = DType::i16, true;
    case gguf::Type::i32:
      return plain = DType::i32, true;
    case gguf::Type::i64:
      return plain = DType::i64, true;
    default:
      return plain = DType::f32, false;
  }
}

bool is_gguf(const fs::path& path) {
  const MappedFile file(path);
  return file.bytes().size() >= 4 && std::memcmp(file.bytes().data(), "GGUF", 4) == 0;
}

}  // namespace

int64_t SourceTensor::rows() const {
  int64_t n = 1;
  for (size_t i = 0; i + 1 < copy.shape.size(); ++i) n *= copy.shape[i];
  return n;
}

bool SourceTensor::is_matrix_of_floats() const {
  return readable(copy.type) && copy.shape.size() >= 2 && copy.shape.size() <= 3 && rows() > 0 &&
         cols() > 0;
}

Source::Source(const fs::path& path) : path_(path) {
  std::error_code none;
  if (!fs::exists(path, none)) throw Error("cannot read " + path.string() + ": it is not there");
  if (fs::is_regular_file(path, none) && path.extension() != ".json" && is_gguf(path)) {
    gguf_ = std::make_unique<gguf::Reader>(path);
    shards_.push_back(path.stem().string() + ".safetensors");
    for (const gguf::Tensor& t : gguf_->tensors()) {
      SourceTensor s{.copy = {t.name, DType::f32, t.shape},
                     .format = gguf::format_of(t.type).name,
                     .data = t.data,
                     .type = t.type};
      s.blocks = !plain_type(t.type, s.copy.type);
      tensors_.push_back(std::move(s));
    }
    return;
  }
  safetensors_ = std::make_unique<safetensors::Reader>(path);
  metadata_ = safetensors_->metadata();
  if (fs::is_directory(path, none)) folder_ = path;
  if (path.extension() == ".json") folder_ = path.has_parent_path() ? path.parent_path() : ".";
  for (const std::string& s : safetensors_->shards()) shards_.push_back(s);
  for (size_t i = 0; i < safetensors_->tensors().size(); ++i) {
    const safetensors::Tensor& t = safetensors_->tensors()[i];
    tensors_.push_back({.copy = {t.name, t.type, t.shape, t.stored},
                        .format = t.stored.empty() ? safetensors::format_name(t.type) : t.stored,
                        .data = t.data,
                        .shard = safetensors_->shard_of(i)});
  }
}

const SourceTensor* Source::find(std::string_view name) const {
  const auto it = std::find_if(tensors_.begin(), tensors_.end(),
                               [&](const SourceTensor& t) { return t.copy.name == name; });
  return it == tensors_.end() ? nullptr : &*it;
}

std::string Source::config() const {
  const fs::path path = folder_ / "config.json";
  if (std::error_code none; folder_.empty() || !fs::exists(path, none)) return {};
  return read_file(path);
}

Floats RowReader::rows(int64_t begin, int64_t end) {
  const int64_t cols = tensor_.cols();
  if (tensor_.blocks) {
    const gguf::Format& f = gguf::format_of(tensor_.type);
    const int64_t row_bytes = cols / f.elements * f.bytes;
    floats_.resize(size_t((end - begin) * cols));
    gguf::dequantise(
        tensor_.type,
        tensor_.data.subspan(size_t(begin * row_bytes), size_t((end - begin) * row_bytes)),
        floats_);
    return Floats(floats_.data());
  }
  const int size = nibble::bytes_of(tensor_.copy.type);
  const auto data =
      tensor_.data.subspan(size_t(begin * cols * size), size_t((end - begin) * cols * size));
  if (reinterpret_cast<uintptr_t>(data.data()) % size_t(size) == 0)
    return {tensor_.copy.type, data.data()};
  bytes_.assign(data.begin(), data.end());  // a vector's memory is aligned
  return {tensor_.copy.type, bytes_.data()};
}

void copy_tensor(const SourceTensor& t,
                 const std::function<void(int64_t, std::span<const std::byte>)>& put) {
  if (!t.blocks) {
    for (int64_t at = 0; at < int64_t(t.data.size()); at += kPieceBytes)
      put(at,
          t.data.subspan(size_t(at), size_t(std::min(kPieceBytes, int64_t(t.data.size()) - at))));
    return;
  }
  const gguf::Format& f = gguf::format_of(t.type);
  const int64_t blocks = int64_t(t.data.size()) / f.bytes, piece = (1 << 20) / f.elements;
  std::vector<float> floats;
  for (int64_t at = 0; at < blocks; at += piece) {
    const int64_t n = std::min(piece, blocks - at);
    floats.resize(size_t(n * f.elements));
    gguf::dequantise(t.type, t.data.subspan(size_t(at * f.bytes), size_t(n * f.bytes)), floats);
    put(at * f.elements * 4, std::as_bytes(std::span(floats)));
  }
}

}  // namespace nibble
