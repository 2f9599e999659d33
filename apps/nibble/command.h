// A subcommand is one file: a function that declares its flags and what to do with them.
#pragma once
#include <CLI/CLI.hpp>

namespace nibble::app {

// What a command returns to the shell. Errors are thrown as nibble::Error and become one line on
// stderr and exit status 1; wrong flags exit with 2.
using Exit = int;

void add_bench(CLI::App& command, Exit& exit);
void add_convert(CLI::App& command, Exit& exit);
void add_doctor(CLI::App& command, Exit& exit);
void add_eval(CLI::App& command, Exit& exit);
void add_explain(CLI::App& command, Exit& exit);
void add_generate(CLI::App& command, Exit& exit);
void add_inspect(CLI::App& command, Exit& exit);
void add_multiply(CLI::App& command, Exit& exit);
void add_pack(CLI::App& command, Exit& exit);
void add_quantize(CLI::App& command, Exit& exit);
void add_report(CLI::App& command, Exit& exit);
void add_train(CLI::App& command, Exit& exit);
void add_verify(CLI::App& command, Exit& exit);

}  // namespace nibble::app
