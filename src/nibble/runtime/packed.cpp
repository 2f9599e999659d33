#include "nibble/runtime/packed.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"
#include "nibble/runtime/json.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kChunkBytes = 16 << 20;  // of panels that are made at a time

// The file a lock is taken on, and what a pack is compared with.
fs::path file_of(const Source& s, size_t shard) {
  return s.folder().empty() ? s.path() : s.folder() / s.shards()[shard];
}

// Sizes and times of the files of a checkpoint, to the nanosecond.
std::string identity_of(const Source& source) {
  std::string all;
  for (size_t i = 0; i < source.shards().size(); ++i) {
    struct stat s;
    const fs::path path = file_of(source, i);
    if (::stat(path.c_str(), &s) < 0) throw Error("cannot examine " + path.string());
    all += source.shards()[i] + ":" + std::to_string(s.st_size) + ":" +
           std::to_string(s.st_mtim.tv_sec) + "." + std::to_string(s.st_mtim.tv_nsec) + ";";
  }
  return all;
}

bool scales_in_panels(const Encoding& e) { return panel_layout_of(e, 16).block > 0; }

PackedWeight described(const QuantisedWeight& w, int rows) {
  if (w.hadamard)
    throw Error("tensor " + in_quotes(w.name) +
                " cannot be packed: its rows went through a "
                "Hadamard transform, and activations would have to");
  PackedWeight p{.name = w.name,
                 .encoding = w.encoding,
                 .source_layout = w.layout,
                 .shape = w.shape,
                 .layout = panel_layout_of(w.encoding, rows)};
  if (!scales_in_panels(w.encoding)) p.scales = w.scales->data;
  p.multiplier = w.multiplier();
  return p;
}

uint32_t load_dword(const std::byte* row, int64_t row_bytes, int64_t q, uint32_t zeros) {
  const int64_t left = row_bytes - 4 * q;
  uint32_t x = zeros;
  if (left > 0) std::memcpy(&x, row + 4 * q, size_t(std::min(left, int64_t(4))));
  return x;
}

// fn(layout) of a matrix's tiles.
template <class Fn>
auto with_layout(const PackedWeight& p, Fn&& fn) {
  return is_base3(p.encoding) ? fn(Base3Panel{p.layout.rows}) : fn(p.layout);
}

// One panel from rows [first, first + l.rows) of the checkpoint's codes and scales.
template <class Panels>
void pack_panel(const Panels& l, const PackedWeight& p, const QuantisedWeight& w, int64_t first,
                std::byte* to) {
  const Parts parts = parts_of(p.encoding, p.rows(), p.cols());
  for (int64_t t = 0; t < l.tiles(p.cols()); ++t, to += l.tile_bytes())
    for (int r = 0; r < l.rows; ++r) {
      const bool there = first + r < p.rows();
      const auto* codes = w.codes->data.data() + (there ? first + r : 0) * parts.code_cols;
      for (int q = 0; q < l.dwords(); ++q) {
        const uint32_t x =
            there ? load_dword(codes, parts.code_cols, t * l.dwords() + q, l.zeros()) : l.zeros();
        const uint32_t y = l.to_panel(x);
        std::memcpy(to + l.dword_offset(r, q), &y, sizeof y);
      }
      if constexpr (requires { l.scale_offset(r, 0); }) {
        if (l.block == 0) continue;
        const auto* scales = w.scales->data.data() + (there ? first + r : 0) * parts.scale_cols;
        const uint32_t x = there ? load_dword(scales, parts.scale_cols, t, 0) : 0;
        std::memcpy(to + l.scale_offset(r, 0), &x, sizeof x);
      }
    }
}

// put(begin, bytes) for all panels of a matrix, a chunk at a time.
template <class Put>
void pack(const PackedWeight& p, const QuantisedWeight& w, Pool* pool, Put&& put) {
  const int64_t size = p.panel_bytes(), panels = p.layout.panels(p.rows());
  const int64_t chunk = std::clamp(kChunkBytes / size, int64_t(1), panels);
  std::vector<std::byte> bytes(size_t(chunk * size));
  for (int64_t first = 0; first < panels; first += chunk) {
    const int64_t n = std::min(chunk, panels - first);
    parallel_for(pool, n, 1, [&](int64_t begin, int64_t end) {
      with_layout(p, [&](const auto& l) {
        for (int64_t i = begin; i < end; ++i)
          pack_panel(l, p, w, (first + i) * l.rows, bytes.data() + i * size);
      });
    });
    put(first * size, std::span<const std::byte>(bytes).first(size_t(n * size)));
  }
}

nlohmann::json json_of(const PackedWeight& p) {
  return {{"format", to_string(p.encoding.format)},
          {"layout", to_string(p.source_layout)},
          {"tile", int(p.encoding.tile)},
          {"scale", int(p.encoding.scale)},
          {"shape", p.shape},
          {"multiplier", p.multiplier}};
}

safetensors::Metadata metadata_of(const Source& source, int rows,
                                  const std::vector<PackedWeight>& weights) {
  nlohmann::json all = nlohmann::json::object();
  for (const PackedWeight& p : weights) all[p.name] = json_of(p);
  return {{"nibble.panels", std::to_string(kPanelVersion)},
          {"nibble.rows", std::to_string(rows)},
          {"nibble.source", identity_of(source)},
          {"nibble.weights", all.dump()}};
}

void write_pack(const Source& source, const Recognised& found, const fs::path& path, int rows,
                Pool* pool) {
  std::vector<PackedWeight> weights;
  std::vector<safetensors::Entry> entries;  // panels first: whole cache lines, so all are aligned
  for (const QuantisedWeight& w : found.weights) {
    weights.push_back(described(w, rows));
    const PackedWeight& p = weights.back();
    entries.push_back(
        {p.name + ".panels", DType::u8, {p.layout.panels(p.rows()), p.panel_bytes()}});
  }
  for (const PackedWeight& p : weights)
    if (!p.scales.empty())
      entries.push_back({p.name + ".scales", DType::u8, {int64_t(p.scales.size())}});
  safetensors::Writer writer(path, entries, metadata_of(source, rows, weights));
  for (size_t i = 0; i < weights.size(); ++i)
    pack(weights[i], found.weights[i], pool,
         [&](int64_t begin, std::span<const std::byte> data) { writer.put(i, begin, data); });
  size_t at = weights.size();
  for (const PackedWeight& p : weights)
    if (!p.scales.empty()) writer.put(at++, 0, p.scales);
  writer.commit();
}

// The pack at `path` if it is one of this checkpoint and version, else null.
std::unique_ptr<safetensors::Reader> open_pack(const Source& source, const fs::path& path,
                                               int rows) {
  if (std::error_code none; !fs::exists(path, none)) return nullptr;
  try {
    auto file = std::make_unique<safetensors::Reader>(path);
    const auto& m = file->metadata();
    const auto is = [&](const char* key, const std::string& value) {
      const auto it = m.find(key);
      return it != m.end() && it->second == value;
    };
    if (is("nibble.panels", std::to_string(kPanelVersion)) &&
        is("nibble.rows", std::to_string(rows)) && is("nibble.source", identity_of(source)))
      return file;
  } catch (const Error&) {  // damaged: it is made anew
  }
  return nullptr;
}

}  // namespace

int64_t PackedWeight::rows() const {
  int64_t n = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) n *= shape[i];
  return n;
}

int64_t PackedWeight::panel_bytes() const {
  return with_layout(*this, [&](const auto& l) { return l.panel_bytes(cols()); });
}

PanelLayout panel_layout_of(const Encoding& e, int rows) {
  if (rows != 8 && rows != 16) throw Error("panels have 8 or 16 rows, not " + std::to_string(rows));
  switch (e.format) {
    case WeightFormat::nvfp4:
      return {rows, PanelCodes::fp4, kNvfp4Block};
    case WeightFormat::mxfp4:
      return {rows, PanelCodes::fp4, kMxBlock};
    case WeightFormat::mxfp8:
      return {rows, PanelCodes::bytes, kMxBlock};
    case WeightFormat::ternary:
      return {rows, is_base3(e) ? PanelCodes::bytes : PanelCodes::two_bit, 0};
    default:
      return {rows, PanelCodes::bytes, 0};
  }
}

namespace {
template <class Panels>
void unpack(const Panels& l, const PackedWeight& p, int64_t begin, int64_t end, uint8_t* codes,
            uint8_t* scales) {
  const Parts parts = parts_of(p.encoding, p.rows(), p.cols());
  for (int64_t row = begin; row < end; ++row) {
    const auto r = int(row % l.rows);
    const auto* tile = p.panels.data() + row / l.rows * l.panel_bytes(p.cols());
    for (int64_t t = 0; t < l.tiles(p.cols()); ++t, tile += l.tile_bytes()) {
      for (int q = 0; q < l.dwords(); ++q) {
        uint32_t x;
        std::memcpy(&x, tile + l.dword_offset(r, q), sizeof x);
        x = l.from_panel(x);
        const int64_t at = 4 * (t * l.dwords() + q);
        if (at < parts.code_cols)
          std::memcpy(codes + at, &x, size_t(std::min(parts.code_cols - at, int64_t(4))));
      }
      if constexpr (requires { l.scale_offset(r, 0); })
        if (l.block > 0 && 4 * t < parts.scale_cols)
          std::memcpy(scales + 4 * t, tile + l.scale_offset(r, 0),
                      size_t(std::min(parts.scale_cols - 4 * t, int64_t(4))));
    }
    codes += parts.code_cols;
    if (l.block > 0) scales += parts.scale_cols;
  }
}
}  // namespace

void unpack_rows(const PackedWeight& p, int64_t begin, int64_t end, uint8_t* codes,
                 uint8_t* scales) {
  with_layout(p, [&](const auto& l) { unpack(l, p, begin, end, codes, scales); });
}

fs::path PackedWeights::cache_path(const Source& source, int rows) {
  const std::string suffix = ".panels" + std::to_string(rows);
  if (!source.folder().empty()) return source.folder() / ("model" + suffix);
  fs::path path = source.path();
  path += suffix;
  return path;
}

PackedWeights::PackedWeights(const fs::path& checkpoint, const Options& options, Pool* pool)
    : source_(std::make_unique<Source>(checkpoint)) {
  const Recognised found = recognise(*source_);
  if (found.weights.empty()) return;
  for (const QuantisedWeight& w : found.weights) weights_.push_back(described(w, options.rows));
  if (!options.cache) {
    for (size_t i = 0; i < weights_.size(); ++i) {
      PackedWeight& p = weights_[i];
      Buffer<std::byte>& to = memory_.emplace_back(p.layout.panels(p.rows()) * p.panel_bytes());
      pack(p, found.weights[i], pool, [&](int64_t begin, std::span<const std::byte> data) {
        std::copy(data.begin(), data.end(), to.data() + begin);
      });
      p.panels = {to.data(), size_t(to.size())};
    }
    return;
  }
  const fs::path path = cache_path(*source_, options.rows);
  file_ = open_pack(*source_, path, options.rows);
  was_cached_ = file_ != nullptr;
  if (!file_) {
    const FileLock lock(file_of(*source_, 0));
    file_ = open_pack(*source_, path, options.rows);  // by another process meanwhile
    was_cached_ = file_ != nullptr;
    if (!file_) {
      write_pack(*source_, found, path, options.rows, pool);
      file_ = std::make_unique<safetensors::Reader>(path);
    }
  }
  const auto part = [&](const std::string& name, std::vector<int64_t> shape) {
    return file_->at(name, DType::u8, shape).data;
  };
  for (PackedWeight& p : weights_) {
    p.panels = part(p.name + ".panels", {p.layout.panels(p.rows()), p.panel_bytes()});
    if (!p.scales.empty()) p.scales = part(p.name + ".scales", {int64_t(p.scales.size())});
  }
}

}  // namespace nibble
