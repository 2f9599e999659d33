// nibble pack PATH [--rows 8|16] [--memory] [--check] [--threads N] [--json]
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "command.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/packed.h"
#include "numbers.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string path;
  int rows = 0, threads = 0;
  bool memory = false, check = false, json = false;
};

// Unpacks everything and compares it with the checkpoint, byte by byte.
void check(const PackedWeights& packed) {
  const Recognised found = recognise(packed.source());
  for (size_t i = 0; i < found.weights.size(); ++i) {
    const PackedWeight& p = packed.weights()[i];
    const QuantisedWeight& w = found.weights[i];
    const Parts parts = parts_of(p.encoding, p.rows(), p.cols());
    const int64_t scales = p.layout.block > 0 ? parts.scale_cols : 0;
    std::vector<uint8_t> codes(static_cast<size_t>(parts.code_cols)),
        row_scales(size_t(scales) + 1);
    for (int64_t r = 0; r < p.rows(); ++r) {
      unpack_rows(p, r, r + 1, codes.data(), row_scales.data());
      const auto same = [&](std::span<const std::byte> all, int64_t size, const uint8_t* got) {
        return std::equal(got, got + size, reinterpret_cast<const uint8_t*>(all.data()) + r * size);
      };
      if (!same(w.codes->data, parts.code_cols, codes.data()) ||
          (scales > 0 && !same(w.scales->data, scales, row_scales.data())))
        throw Error(
            fmt::format("tensor {}: row {} of the pack is not the checkpoint's: remove {}", p.name,
                        r, PackedWeights::cache_path(packed.source(), p.layout.rows).string()));
    }
    if (!p.scales.empty() && !std::equal(p.scales.begin(), p.scales.end(), w.scales->data.begin()))
      throw Error("tensor " + p.name + ": the scales of the pack are not the checkpoint's");
  }
}

Exit run(const Flags& f) {
  const Machine& machine = cpu::this_machine();
  const int rows = f.rows > 0 ? f.rows : machine.has(Isa::avx512) ? 16 : 8;
  const auto pool = cpu::make_pool(f.threads > 0 ? f.threads : machine.cores);
  const PackedWeights packed(f.path, {.rows = rows, .cache = !f.memory}, pool.get());
  if (packed.weights().empty())
    throw Error(f.path + " holds no quantised matrix: nibble quantize makes some");
  int64_t bytes = 0;
  for (const PackedWeight& p : packed.weights()) bytes += int64_t(p.panels.size());
  if (f.check) check(packed);
  const std::string where =
      f.memory ? "memory" : PackedWeights::cache_path(packed.source(), rows).string();
  if (f.json)
    fmt::print("{{\"weights\":{},\"rows\":{},\"bytes\":{},\"was_cached\":{},\"checked\":{}}}\n",
               packed.weights().size(), rows, bytes, packed.was_cached(), f.check);
  else
    fmt::print("{} matrices in panels of {} rows, {:.2f} MiB in {}{}{}\n", packed.weights().size(),
               rows, double(bytes) / (1 << 20), where, packed.was_cached() ? ", there already" : "",
               f.check ? "; unpacked, they are the checkpoint's bytes" : "");
  return 0;
}

}  // namespace

void add_pack(CLI::App& command, Exit& exit) {
  auto f = std::make_shared<Flags>();
  command.add_option("path", f->path, "a .safetensors file, an index, or a folder")->required();
  command.add_option("--rows", f->rows, "of a panel; else as wide as this processor's registers")
      ->check(CLI::IsMember({8, 16}));
  command.add_flag("--memory", f->memory, "in memory, leaving no file: what a program would do");
  command.add_flag("--check", f->check, "unpack everything and compare");
  command.add_option("--threads", f->threads)->check(between(1, 1024));
  command.add_flag("--json", f->json, "one object");
  command.callback([f, &exit] { exit = run(*f); });
}

}  // namespace nibble::app
