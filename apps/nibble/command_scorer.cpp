#include "command_scorer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstring>
#include <memory>

#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"

extern char** environ;

namespace nibble::app {
namespace {

class Program {
 public:
  Program(const std::string& command, double patience) : command_(command), patience_(patience) {
    std::signal(SIGPIPE, SIG_IGN);  // a program that ended is an error here, not a signal
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0) fail("cannot be started: {}", std::strerror(errno));
    FileHandle read_end(to[0]);
    to_ = FileHandle(to[1]);
    if (pipe2(from, O_CLOEXEC) != 0) fail("cannot be started: {}", std::strerror(errno));
    from_ = FileHandle(from[0]);
    FileHandle write_end(from[1]);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, from[1], STDOUT_FILENO);
    posix_spawnattr_t group;  // of its own: Ctrl-C is for the trainer, which ends it in order
    posix_spawnattr_init(&group);
    posix_spawnattr_setflags(&group, POSIX_SPAWN_SETPGROUP);
    std::string args[] = {"sh", "-c", command};
    char* argv[] = {args[0].data(), args[1].data(), args[2].data(), nullptr};
    const int error = posix_spawn(&child_, "/bin/sh", &files, &group, argv, environ);
    posix_spawnattr_destroy(&group);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) child_ = 0, fail("cannot be started: {}", std::strerror(error));
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Its input ends; a second later so does the program.
  ~Program() {
    to_ = FileHandle();
    for (int i = 0; child_ > 0 && i < 100; ++i) {
      if (waitpid(child_, nullptr, WNOHANG) != 0) return;
      usleep(10000);
    }
    if (child_ > 0) kill(-child_, SIGKILL), waitpid(child_, nullptr, 0);
  }

  double score(const train::Bytes& text) {
    send(fmt::format("{}\n", text.size()));
    send({reinterpret_cast<const char*>(text.data()), text.size()});
    std::string line = answer();
    if (!line.empty() && line.back() == '\r') line.pop_back();
    double value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc() || end != line.data() + line.size() || !std::isfinite(value))
      fail("answered '{}' to a text of {} bytes: one number on a line is needed",
           line.substr(0, 80), text.size());
    return value;
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(fmt::format("the fitness command '{}' {}", command_,
                            fmt::format(format, std::forward<Args>(args)...)));
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = write(to_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("ended before it was asked everything: {}", std::strerror(errno));
      bytes.remove_prefix(size_t(n));
    }
  }
  std::string answer() {
    size_t end;
    while ((end = said_.find('\n')) == std::string::npos) {
      pollfd wait{from_.get(), POLLIN, 0};
      const int ready = poll(&wait, 1, int(patience_ * 1000));
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0)
        fail("gave no answer for {:g} s: does it flush its output after each line?", patience_);
      char buffer[4096];
      const ssize_t n = read(from_.get(), buffer, sizeof buffer);
      if (n <= 0) fail("ended without an answer");
      said_.append(buffer, size_t(n));
    }
    std::string line = said_.substr(0, end);
    said_.erase(0, end + 1);
    return line;
  }

  std::string command_, said_;
  double patience_;
  pid_t child_ = 0;
  FileHandle to_, from_;
};

}  // namespace

train::Scorer command_scorer(const std::string& command, double patience) {
  auto program = std::make_shared<Program>(command, patience);
  return [program](std::span<const train::Bytes> texts) {
    std::vector<double> scores;
    for (const train::Bytes& text : texts) scores.push_back(program->score(text));
    return scores;
  };
}

}  // namespace nibble::app
