// The three files that a program is started with, any of which may be closed or full.
#pragma once
#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

namespace nibble::app {

// Puts files that can be neither read nor written where 0, 1 or 2 are closed: else the next file
// that is opened, a lock or a checkpoint, gets the number, and with it what is said.
void open_standard_files();

// What a command says beside its work. If it cannot be written, the work goes on; of standard
// output output_error() knows it.
void tell_all(std::FILE*, fmt::string_view format, fmt::format_args);
template <class... Args>
void tell(std::FILE* file, fmt::format_string<Args...> format, Args&&... args) {
  tell_all(file, fmt::string_view(format), fmt::make_format_args(args...));
}

// Why not all of standard output was written up to here, or nothing.
std::string output_error();

// Names and texts out of files, on one line: a terminal might obey their bytes.
std::string printable(std::string_view);

// One line on stderr.
void print_error(const std::string& sentence);
void print_error(const std::exception&);

// In place of std::terminate's: an exception that nobody caught is said before the program ends.
void end_by_exception();

}  // namespace nibble::app
