// A line on stderr that says how far a long command is.
#pragma once
#include <chrono>
#include <string_view>

namespace nibble::app {

// Rewritten in place on a terminal, else one now and then.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  ~ProgressLine();
  void show(int64_t done, int64_t total, std::string_view name);  // bytes

 private:
  using Clock = std::chrono::steady_clock;
  bool quiet_, terminal_;
  Clock::time_point start_, shown_;
};

}  // namespace nibble::app
