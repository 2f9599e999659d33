// Packed weights: the quantised matrices of a checkpoint in panels (numerics/panel_layout.h;
// ternary weights in base 3: base3_panel.h), which kernels read as they are.
//
// A pack is a safetensors file of its own. For each matrix W it has W.panels, u8 [panels, bytes of
// a panel], and, where scales are floats, W.scales, the checkpoint's bytes of them; the metadata
// say the version, the rows of a panel, the checkpoint it was made from (sizes and times of its
// files), and format, layout, shape and tensor scale of each matrix. Nothing is lost: unpack_rows()
// gives the checkpoint's bytes back. Panels of 16 rows begin at a multiple of 64 bytes, of 8 rows
// of 32.
//
// Memory: a pack is made panel by panel. Kept in a file it is mapped, and so is the checkpoint: no
// copy of it is ever in the process's own memory. Without a file it is there once.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "nibble/base/parallel.h"
#include "nibble/numerics/base3_panel.h"
#include "nibble/numerics/panel_layout.h"
#include "nibble/runtime/buffer.h"
#include "nibble/runtime/quantised.h"

namespace nibble {

struct PackedWeight {
  std::string name;
  Encoding encoding;
  Layout source_layout = Layout::plain;
  std::vector<int64_t> shape;  // of the matrix: [N, K] or [E, N, K]; panels are of all rows
  PanelLayout layout;          // in base 3 of its bytes, whose tiles are those of Base3Panel
  std::span<const std::byte> panels;
  std::span<const std::byte> scales;  // floats; empty: they are in the panels
  float multiplier = 1;               // nvfp4: of codes times scales

  int64_t cols() const { return shape.back(); }
  int64_t rows() const;
  int64_t panel_bytes() const;
};

PanelLayout panel_layout_of(const Encoding&, int rows);

// Rows [begin, end) as a checkpoint has them: codes, and block scales if panels have them.
void unpack_rows(const PackedWeight&, int64_t begin, int64_t end, uint8_t* codes, uint8_t* scales);

class PackedWeights {
 public:
  struct Options {
    int rows = 16;       // of a panel: 16 for 512-bit registers, 8 for 256-bit ones
    bool cache = false;  // keep the pack in cache_path(): made once, then only mapped
  };
  // With cache: under a lock that the kernel gives back when a process ends, however it ends; other
  // processes wait. A pack of another version, or of a checkpoint that has changed, is made anew.
  // There is none of a checkpoint without quantised matrices.
  PackedWeights(const std::filesystem::path& checkpoint, const Options&, Pool* = nullptr);

  std::span<const PackedWeight> weights() const { return weights_; }
  const Source& source() const { return *source_; }
  bool was_cached() const { return was_cached_; }
  // Beside the checkpoint: "model.safetensors.panels16", or in its folder "model.panels16".
  static std::filesystem::path cache_path(const Source&, int rows);

 private:
  std::unique_ptr<Source> source_;
  std::unique_ptr<safetensors::Reader> file_;
  std::vector<Buffer<std::byte>> memory_;
  std::vector<PackedWeight> weights_;
  bool was_cached_ = false;
};

}  // namespace nibble
