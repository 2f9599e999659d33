// nibble quantize IN OUT --format nvfp4|mxfp4|mxfp8|fp8|fp8-block|int8|ternary [--mode M]
//                 [--layout modelopt|compressed-tensors|deepseek|blocks|plain]
//                 [--stochastic SEED] [--hadamard] [--include GLOB]... [--exclude GLOB]...
//                 [--threads N] [--json] [--quiet]
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "command.h"
#include "console.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/quantise.h"
#include "numbers.h"
#include "progress.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string in, out, format, mode, layout;
  std::vector<std::string> include = {"*.weight"};
  std::vector<std::string> exclude = {"*embed*", "*lm_head*", "*norm*", "*router*",
                                      "*.gate.weight"};
  int threads = 0;
  std::optional<uint64_t> stochastic;
  bool hadamard = false, json = false, quiet = false;
};

void print_table(const std::vector<QuantiseReport>& reports) {
  size_t width = 6;
  for (const auto& r : reports) width = std::max(width, r.name.size());
  fmt::print("{:<{}}  {:>14}  {:>11}  {:>10}  {:>9}  {:>8}  {:>7}\n", "tensor", width, "shape",
             "relative L2", "max error", "cosine", "largest", "zero");
  for (const auto& r : reports)
    fmt::print("{:<{}}  {:>14}  {:>11.5f}  {:>10.3g}  {:>9.6f}  {:>7.2f}%  {:>6.2f}%\n",
               printable(r.name), width, fmt::format("{}x{}", r.rows, r.cols), r.relative_l2,
               r.max_error, r.cosine, 100 * r.largest, 100 * r.zero);
}

void print_json(const Flags& f, const std::vector<QuantiseReport>& reports) {
  nlohmann::ordered_json all = {{"format", f.format}, {"layout", f.layout}};
  all["tensors"] = nlohmann::ordered_json::array();
  for (const auto& r : reports)
    all["tensors"].push_back({{"name", r.name},
                              {"mode", r.mode},
                              {"rows", r.rows},
                              {"cols", r.cols},
                              {"relative_l2", r.relative_l2},
                              {"max_error", r.max_error},
                              {"cosine", r.cosine},
                              {"largest", r.largest},
                              {"zero", r.zero}});
  fmt::print("{}\n", all.dump());
}

Exit quantize(Flags f) {
  const Layout usual = f.hadamard ? Layout::plain : usual_layout(parse_weight_format(f.format));
  const QuantiseOptions options{.format = parse_weight_format(f.format),
                                .mode = f.mode,
                                .layout = f.layout.empty() ? usual : parse_layout(f.layout),
                                .stochastic_seed = f.stochastic,
                                .hadamard = f.hadamard,
                                .include = f.include,
                                .exclude = f.exclude};
  f.layout = std::string(to_string(options.layout));
  const Machine& machine = cpu::this_machine();
  const auto pool = cpu::make_pool(f.threads > 0 ? f.threads : machine.cores);
  const Source source(f.in);
  std::vector<QuantiseReport> reports;
  {
    ProgressLine line(f.quiet);
    reports = quantise(source, f.out, options, machine, pool.get(),
                       [&](const QuantiseProgress& p) { line.show(p.done, p.total, p.name); });
  }
  if (f.json)
    print_json(f, reports);
  else
    print_table(reports);
  return 0;
}

}  // namespace

void add_quantize(CLI::App& command, Exit& exit) {
  auto f = std::make_shared<Flags>();
  command.add_option("in", f->in, "a .safetensors or .gguf file, an index, or a folder")
      ->required();
  command.add_option("out", f->out, "a new .safetensors file, or a new folder")->required();
  command.add_option("--format", f->format, "nvfp4, mxfp4, mxfp8, fp8, fp8-block, int8 or ternary")
      ->required();
  command.add_option("--mode", f->mode, "whose bytes to make; an unknown one lists all");
  command.add_option("--layout", f->layout,
                     "modelopt, compressed-tensors, deepseek, blocks or plain");
  command
      .add_option("--stochastic", f->stochastic,
                  "nvfp4: round up or down by chance, by numbers from this seed")
      ->check(seed_number());
  command.add_flag("--hadamard", f->hadamard,
                   "rows through a random Hadamard transform first, 16 elements at a time; "
                   "layout plain alone");
  command.add_option("--include", f->include, "names to quantise: * is any text, ? one character")
      ->capture_default_str();
  command.add_option("--exclude", f->exclude, "of these, names to copy as they are")
      ->capture_default_str();
  command.add_option("--threads", f->threads)->check(between(1, 1024));
  command.add_flag("--json", f->json, "errors as one object, not as a table");
  command.add_flag("--quiet", f->quiet, "no progress");
  command.callback([f, &exit] { exit = quantize(*f); });
}

}  // namespace nibble::app
