// nibble: train, quantise, multiply by and prove low-bit language models.
#include <fmt/format.h>

#include <csignal>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>

#include "command.h"
#include "console.h"
#include "ranks.h"

namespace nibble::app {
namespace {

struct Command {
  const char* name;
  const char* summary;
  void (*add)(CLI::App&, Exit&);
};

constexpr Command kCommands[] = {
    {"train", "train a byte language model by evolution strategies", add_train},
    {"eval", "score a text with a trained run", add_eval},
    {"generate", "write text with a trained run", add_generate},
    {"report", "draw the curves of runs, or print the ledger of experiments", add_report},
    {"quantize", "make the weights of a checkpoint 4 or 8 bits wide, or ternary", add_quantize},
    {"convert", "change how a quantised checkpoint names its parts", add_convert},
    {"multiply", "multiply by the weights of a checkpoint: how fast, how exact", add_multiply},
    {"pack", "lay the weights of a checkpoint out for this processor, in a file beside it",
     add_pack},
    {"inspect", "list and check the tensors of a checkpoint", add_inspect},
    {"verify", "run every variant of an op against its reference", add_verify},
    {"bench", "time variants that agree with their reference", add_bench},
    {"explain", "say which variant of an op runs, and why no other", add_explain},
    {"doctor", "say what this machine is and what every op runs on it", add_doctor},
};

// The version, and what the variants in this build were compiled for.
std::string version() {
  const std::string_view cuda = NIBBLE_CUDA_BUILT;
  return fmt::format("nibble {}\nisas: {}\ncuda architectures: {}", NIBBLE_VERSION,
                     NIBBLE_ISAS_BUILT, cuda.empty() ? "none, built without CUDA" : cuda);
}

bool is_command(std::string_view name) {
  for (const Command& c : kCommands)
    if (name == c.name) return true;
  return false;
}

std::string commands() {
  std::string all;
  for (const Command& c : kCommands) all += (all.empty() ? "" : ", ") + std::string(c.name);
  return all;
}

// Commands take an empty text for one that was not given.
void refuse_empty_values(CLI::App& command) {
  for (CLI::Option* option : command.get_options())
    option->check([](const std::string& value) {
      return value.empty() ? std::string("it is given, and empty") : std::string();
    });
}

// The exit status.
Exit run(int argc, char** argv) {
  CLI::App app("nibble trains low-bit language models, and quantises and multiplies their weights",
               "nibble");
  app.set_version_flag("--version", version());
  app.require_subcommand(1);
  Exit exit = 0;
  const bool speaks = launch().rank == 0;  // of what all ranks do wrong alike
  for (const Command& c : kCommands) {
    CLI::App& command = *app.add_subcommand(c.name, c.summary);
    c.add(command, exit);
    refuse_empty_values(command);
  }
  if (argc > 1 && argv[1][0] != '-' && !is_command(argv[1])) {
    if (speaks) print_error(fmt::format("no command is called '{}': {} are", argv[1], commands()));
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    std::ostringstream text;  // of --help or --version
    const Exit status = app.exit(e, text);
    fmt::print("{}", text.str());
    return status;
  } catch (const CLI::ParseError& e) {
    if (speaks) print_error(fmt::format("{}; see 'nibble --help'", e.what()));
    return 2;
  } catch (const std::exception& e) {
    print_error(e);
    return 1;
  }
  return exit;
}

}  // namespace
}  // namespace nibble::app

int main(int argc, char** argv) {
  using namespace nibble::app;
  open_standard_files();
  std::set_terminate(end_by_exception);
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond ulimit -f then fails with a reason
  const Exit exit = run(argc, argv);
  const std::string lost = output_error();
  if (lost.empty()) return exit;
  print_error("cannot write to standard output: " + lost);
  return exit == 0 ? 1 : exit;
}
