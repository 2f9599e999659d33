#include "picture.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"

extern char** environ;

namespace nibble::app {
namespace {

void write_png(const std::string& svg, const std::string& out) {
  const std::string from = out + ".svg.tmp";
  write_file(from, svg);
  std::string args[] = {"rsvg-convert", "--zoom=2", "--output=" + out, from};
  char* argv[] = {args[0].data(), args[1].data(), args[2].data(), args[3].data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], nullptr, nullptr, argv, environ);
  int status = -1;
  if (error == 0) waitpid(child, &status, 0);
  std::filesystem::remove(from);
  if (error != 0)
    throw Error("a PNG needs rsvg-convert (Debian: librsvg2-bin); .svg and .html need nothing");
  if (status != 0) throw Error(fmt::format("rsvg-convert could not write '{}'", out));
}

}  // namespace

void write_picture(const std::string& svg, const std::string& out) {
  if (out.ends_with(".png"))
    write_png(svg, out);
  else
    write_file(out, svg);
}

}  // namespace nibble::app
