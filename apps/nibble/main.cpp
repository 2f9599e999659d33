// nibble: train, multiply, attend, serve and prove low-bit language models.
#include <fmt/format.h>

#include <exception>
#include <string>
#include <string_view>

#include "command.h"
#include "ranks.h"

namespace {

struct Command {
  const char* name;
  const char* summary;
  void (*add)(CLI::App&, nibble::app::Exit&);
};

constexpr Command kCommands[] = {
    {"train", "train a byte language model by evolution strategies", nibble::app::add_train},
    {"eval", "score a text with a trained run", nibble::app::add_eval},
    {"generate", "write text with a trained run", nibble::app::add_generate},
    {"report", "draw the curves of runs, or print the ledger of experiments",
     nibble::app::add_report},
    {"quantize", "make the weights of a checkpoint 4 or 8 bits wide, or ternary",
     nibble::app::add_quantize},
    {"convert", "change how a quantised checkpoint names its parts", nibble::app::add_convert},
    {"multiply", "multiply by the weights of a checkpoint: how fast, how exact",
     nibble::app::add_multiply},
    {"pack", "lay the weights of a checkpoint out for this processor, in a file beside it",
     nibble::app::add_pack},
    {"inspect", "list and check the tensors of a checkpoint", nibble::app::add_inspect},
    {"verify", "run every variant of an op against its reference", nibble::app::add_verify},
    {"bench", "time variants that agree with their reference", nibble::app::add_bench},
    {"explain", "say which variant of an op runs, and why no other", nibble::app::add_explain},
    {"doctor", "say what this machine is and what every op runs on it", nibble::app::add_doctor},
};

// The version, and what the variants in this build were compiled for.
std::string version() {
  const std::string_view cuda = NIBBLE_CUDA_BUILT;
  return fmt::format("nibble {}\nisas: {}\ncuda architectures: {}", NIBBLE_VERSION,
                     NIBBLE_ISAS_BUILT, cuda.empty() ? "none, built without CUDA" : cuda);
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
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

}  // namespace

void nibble::app::print_error(const std::string& sentence) {
  fmt::print(stderr, "nibble: {}\n", one_line(sentence));
}

int main(int argc, char** argv) {
  CLI::App app("nibble trains, multiplies, attends and serves low-bit language models", "nibble");
  app.set_version_flag("--version", version());
  app.require_subcommand(1);
  nibble::app::Exit exit = 0;
  const bool speaks = nibble::app::launch().rank == 0;  // of what all ranks do wrong alike
  for (const Command& c : kCommands) c.add(*app.add_subcommand(c.name, c.summary), exit);
  if (argc > 1 && argv[1][0] != '-' && !is_command(argv[1])) {
    if (speaks)
      nibble::app::print_error(
          fmt::format("no command is called '{}': {} are", argv[1], commands()));
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);  // --help, --version
  } catch (const CLI::ParseError& e) {
    if (speaks) nibble::app::print_error(fmt::format("{}; see 'nibble --help'", e.what()));
    return 2;
  } catch (const std::exception& e) {
    nibble::app::print_error(e.what());
    return 1;
  }
  return exit;
}
