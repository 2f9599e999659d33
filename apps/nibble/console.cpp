#include "console.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>

namespace nibble::app {
namespace {

int lost_output = 0;  // errno of the first write to stdout that failed

// Bytes of the UTF-8 character that `text` begins with; 0 if there is none.
size_t character(std::string_view text) {
  const auto first = uint8_t(text[0]);
  const size_t size = first < 0x80                    ? 1
                      : first >= 0xc2 && first < 0xe0 ? 2
                      : first >= 0xe0 && first < 0xf0 ? 3
                      : first >= 0xf0 && first < 0xf5 ? 4
                                                      : 0;
  if (size > text.size()) return 0;
  for (size_t i = 1; i < size; ++i)
    if ((uint8_t(text[i]) & 0xc0) != 0x80) return 0;
  return size;
}

}  // namespace

void open_standard_files() {
  // open() takes the lowest number that is free. A direction that nobody uses: what is written to
  // a closed file shall fail, not vanish.
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void tell_all(std::FILE* file, fmt::string_view format, fmt::format_args args) {
  const std::string text = fmt::vformat(format, args);
  const bool written =
      std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
  if (!written && file == stdout && lost_output == 0) lost_output = errno;
}

std::string output_error() {
  const bool lost = std::ferror(stdout) != 0;
  if (std::fflush(stdout) != 0 && lost_output == 0) lost_output = errno;
  if (lost_output != 0) return std::strerror(lost_output);
  return lost ? "a part of it is lost" : "";
}

std::string printable(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const size_t size = character(text);
    const auto first = uint8_t(text[0]);
    if (first == '\n')
      line += ' ';
    else if (size == 0 || first < 0x20 || first == 0x7f)
      line += '?';
    else
      line += text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return line;
}

void print_error(const std::string& sentence) {
  constexpr size_t kBegin = 2500, kEnd = 500;  // what is wrong stands before or behind long names
  std::string line = sentence;
  if (line.size() > kBegin + kEnd) line.replace(kBegin, line.size() - kBegin - kEnd, " ... ");
  tell(stderr, "nibble: {}\n", printable(line));
}

void print_error(const std::exception& e) {
  // The last words of main are about standard output.
  const auto* failed = dynamic_cast<const std::system_error*>(&e);
  if (failed && std::ferror(stdout)) {
    lost_output = failed->code().value();
    return;
  }
  if (dynamic_cast<const std::bad_alloc*>(&e) || dynamic_cast<const std::length_error*>(&e))
    std::fputs("nibble: there is not enough memory for this\n", stderr);
  else
    print_error(std::string(e.what()));
}

void end_by_exception() {
  try {
    if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    print_error(e);
    std::_Exit(1);
  } catch (...) {
  }
  std::abort();
}

}  // namespace nibble::app
