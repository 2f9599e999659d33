#include "picture.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"

extern char** environ;

namespace nibble::app {
namespace {

// A file without a name, in memory.
FileHandle memory_file(std::string_view text) {
  FileHandle file(memfd_create("nibble", MFD_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != ssize_t(text.size()) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0)
    throw Error(fmt::format("cannot make a file in memory: {}", std::strerror(errno)));
  return file;
}

std::string text_of(const FileHandle& file) {
  std::string text(size_t(::lseek(file.get(), 0, SEEK_END)), 0);
  text.resize(size_t(std::max<ssize_t>(0, ::pread(file.get(), text.data(), text.size(), 0))));
  return text;
}

std::string png_of(const std::string& svg) {
  const FileHandle in = memory_file(svg), out = memory_file(""), said = memory_file("");
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, said.get(), STDERR_FILENO);
  std::string args[] = {"rsvg-convert", "--zoom=2"};
  char* argv[] = {args[0].data(), args[1].data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], &files, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0)
    throw Error("a PNG needs rsvg-convert (Debian: librsvg2-bin); .svg and .html need nothing");
  int status = -1;
  waitpid(child, &status, 0);
  if (status != 0) throw Error("rsvg-convert makes no PNG of this: " + text_of(said));
  return text_of(out);
}

}  // namespace

void write_picture(const std::string& svg, const std::string& out) {
  write_file(out, out.ends_with(".png") ? png_of(svg) : svg);
}

}  // namespace nibble::app
