#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "console.h"

namespace nibble::app {
namespace {

std::string as_time(double seconds) {
  const auto s = int64_t(seconds + 0.5);
  return s < 60     ? fmt::format("{} s", s)
         : s < 3600 ? fmt::format("{} min {:02} s", s / 60, s % 60)
                    : fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

}  // namespace

ProgressLine::ProgressLine(bool quiet)
    : quiet_(quiet), terminal_(::isatty(2) == 1), start_(Clock::now()), shown_(start_) {}

ProgressLine::~ProgressLine() {
  if (!quiet_ && terminal_) tell(stderr, "\r\x1b[K");
}

void ProgressLine::show(int64_t done, int64_t total, std::string_view name) {
  const auto now = Clock::now();
  if (quiet_ || std::chrono::duration<double>(now - shown_).count() < (terminal_ ? 0.2 : 5.0))
    return;
  shown_ = now;
  const double spent = std::chrono::duration<double>(now - start_).count();
  const double share = total > 0 ? double(done) / double(total) : 1;
  tell(stderr, "{}{:5.1f}%  {:.2f} GB/s  {} left  {}{}", terminal_ ? "\r\x1b[K" : "", 100 * share,
       double(done) / spent * 1e-9, share > 0 ? as_time(spent / share - spent) : "?",
       printable(name), terminal_ ? "" : "\n");
}

}  // namespace nibble::app
