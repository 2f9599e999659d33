// nibble convert IN OUT --layout modelopt|compressed-tensors|deepseek|blocks|plain
//                [--round-scales] [--json] [--quiet]
#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "nibble/runtime/convert.h"
#include "progress.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string in, out, layout;
  bool round_scales = false, json = false, quiet = false;
};

Exit run(const Flags& f) {
  const ConvertOptions options{.layout = parse_layout(f.layout), .round_scales = f.round_scales};
  const Source source(f.in);
  ConvertReport r;
  {
    ProgressLine line(f.quiet);
    r = convert(source, f.out, options,
                [&](const QuantiseProgress& p) { line.show(p.done, p.total, p.name); });
  }
  if (f.json)
    fmt::print("{{\"weights\":{},\"converted\":{},\"copied\":{},\"rounded_scales\":{}}}\n",
               r.weights, r.renamed, r.copied, r.rounded);
  else
    fmt::print("{} quantised matrices, {} of them from another layout; {} other tensors copied\n",
               r.weights, r.renamed, r.copied);
  if (!f.json && r.rounded > 0)
    fmt::print("{} tensor scales were rounded, by at most one part in 2^24\n", r.rounded);
  return 0;
}

}  // namespace

void add_convert(CLI::App& command, Exit& exit) {
  auto f = std::make_shared<Flags>();
  command.add_option("in", f->in, "a .safetensors file, an index, or a folder")->required();
  command.add_option("out", f->out, "a new .safetensors file, or a new folder")->required();
  command
      .add_option("--layout", f->layout, "modelopt, compressed-tensors, deepseek, blocks or plain")
      ->required();
  command.add_flag("--round-scales", f->round_scales,
                   "allow tensor scales that cannot be turned back exactly");
  command.add_flag("--json", f->json, "one object");
  command.add_flag("--quiet", f->quiet, "no progress");
  command.callback([f, &exit] { exit = run(*f); });
}

}  // namespace nibble::app
