// nibble inspect PATH [--json]
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "console.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/quantisation_config.h"
#include "nibble/runtime/quantised.h"

namespace nibble::app {
namespace {

using nlohmann::ordered_json;

std::string shown(std::span<const int64_t> shape) {
  std::string s;
  for (int64_t d : shape) s += (s.empty() ? "" : "x") + std::to_string(d);
  return s.empty() ? "scalar" : s;
}

std::string as_size(double bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int u = 0;
  while (bytes >= 1024 && u < 4) bytes /= 1024, ++u;
  return u == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.2f} {}", bytes, units[u]);
}

// One line of the list: a quantised matrix with all its parts, or a tensor that is none.
struct Item {
  std::string name, format, layout;
  std::vector<int64_t> shape;
  int64_t bytes = 0, bad_scales = 0;
  bool has_tensor_scale = false;
  float tensor_scale = 1;
};

// Scales that make NaNs or infinities of what they multiply.
int64_t bad_scales(const QuantisedWeight& w) {
  int64_t bad = 0;
  const auto data = w.scales->data;
  const auto count = [&](auto zero, auto is_bad) {
    for (size_t i = 0; i + sizeof zero <= data.size(); i += sizeof zero) {
      std::memcpy(&zero, &data[i], sizeof zero);
      bad += is_bad(zero);
    }
  };
  switch (w.scales->copy.type) {
    case DType::e4m3:
      count(uint8_t(), [](uint8_t b) { return (b & 127) == 127; });
      break;
    case DType::f32:
      count(float(), [](float f) { return !std::isfinite(f); });
      break;
    case DType::bf16:
      count(bf16(), [](bf16 b) { return !std::isfinite(to_float(b)); });
      break;
    default:
      count(uint8_t(), [](uint8_t b) { return b == 255; });
  }
  return bad + (w.tensor_scale && !std::isfinite(w.stored_tensor_scale()));
}

std::vector<Item> items_of(const Recognised& found) {
  std::vector<Item> items;
  for (const QuantisedWeight& w : found.weights) {
    Item i{.name = w.name,
           .format = std::string(to_string(w.encoding.format)),
           .layout = std::string(to_string(w.layout)),
           .shape = w.shape,
           .bad_scales = bad_scales(w)};
    if (w.hadamard) i.format += " of hadamard16";
    for (const SourceTensor* part : w.parts()) i.bytes += int64_t(part->data.size());
    i.has_tensor_scale = w.tensor_scale != nullptr;
    i.tensor_scale = w.stored_tensor_scale();
    items.push_back(std::move(i));
  }
  for (const SourceTensor* t : found.others)
    items.push_back({.name = t->copy.name,
                     .format = std::string(t->format),
                     .shape = t->copy.shape,
                     .bytes = int64_t(t->data.size())});
  return items;
}

ordered_json as_json(const Source& source, const std::vector<Item>& items,
                     const std::string& method, int64_t bytes) {
  ordered_json all = {{"path", source.path().string()},
                      {"container", source.gguf() ? "gguf" : "safetensors"},
                      {"files", source.safetensors() ? source.shards().size() : 1},
                      {"bytes", bytes}};
  if (!method.empty()) all["quantization_config"] = method;
  all["metadata"] = ordered_json::object();
  if (source.gguf())
    for (const auto& [key, value] : source.gguf()->contents().metadata)
      all["metadata"][key] = value.shown();
  else
    all["metadata"] = source.metadata();
  all["tensors"] = ordered_json::array();
  for (const Item& i : items) {
    ordered_json t = {
        {"name", i.name}, {"format", i.format}, {"shape", i.shape}, {"bytes", i.bytes}};
    if (!i.layout.empty()) t["layout"] = i.layout, t["bad_scales"] = i.bad_scales;
    if (i.has_tensor_scale) t["tensor_scale"] = i.tensor_scale;
    all["tensors"].push_back(std::move(t));
  }
  return all;
}

void print_table(const Source& source, const std::vector<Item>& items, const std::string& method,
                 int64_t bytes) {
  size_t width = 6;
  for (const Item& i : items) width = std::max(width, i.name.size());
  fmt::print("{:<{}}  {:<9}  {:>16}  {:>10}  {}\n", "tensor", width, "format", "shape", "size",
             "layout");
  std::map<std::string, std::pair<int64_t, int64_t>> totals;  // format -> tensors, bytes
  for (const Item& i : items) {
    fmt::print("{:<{}}  {:<9}  {:>16}  {:>10}  {}{}{}\n", printable(i.name), width, i.format,
               shown(i.shape), as_size(double(i.bytes)), i.layout,
               i.has_tensor_scale ? fmt::format("  tensor scale {:.6g}", i.tensor_scale) : "",
               i.bad_scales ? fmt::format("  {} scales are no finite numbers", i.bad_scales) : "");
    auto& [count, size] = totals[i.format];
    ++count, size += i.bytes;
  }
  for (const auto& [format, total] : totals)
    fmt::print("{:<10} {:>6} tensors  {:>11}\n", format, total.first,
               as_size(double(total.second)));
  if (source.gguf())
    for (const auto& [key, value] : source.gguf()->contents().metadata)
      fmt::print("{} = {}\n", printable(key), printable(value.shown()));
  fmt::print("{}: {} in {} {}, {}{}; nothing is missing, doubled or overlapping\n",
             source.path().string(), as_size(double(bytes)), source.shards().size(),
             source.shards().size() == 1 ? "file" : "files", source.gguf() ? "GGUF" : "safetensors",
             method.empty() ? "" : ", quantised by " + method);
}

Exit inspect(const std::string& path, bool json) {
  const Source source(path);
  const Recognised found = recognise(source);
  std::string method;
  if (const std::string config = source.config(); !config.empty()) {
    const auto q = read_quantisation_config(config, (source.folder() / "config.json").string());
    if (q.there) method = q.method.empty() ? "an unnamed method" : q.method;
  }
  int64_t bytes = 0;
  for (const SourceTensor& t : source.tensors()) bytes += int64_t(t.data.size());
  const std::vector<Item> items = items_of(found);
  if (json)
    fmt::print("{}\n", as_json(source, items, method, bytes)
                           .dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  else
    print_table(source, items, method, bytes);
  return 0;
}

}  // namespace

void add_inspect(CLI::App& command, Exit& exit) {
  struct Flags {
    std::string path;
    bool json = false;
  };
  auto f = std::make_shared<Flags>();
  command.add_option("path", f->path, "a .safetensors or .gguf file, an index, or a folder")
      ->required();
  command.add_flag("--json", f->json, "one object");
  command.callback([f, &exit] { exit = inspect(f->path, f->json); });
}

}  // namespace nibble::app
