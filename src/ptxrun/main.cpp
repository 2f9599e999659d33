// The ptxrun command: runs a CUDA program on the CPU, with the executor in place of the CUDA
// runtime.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "device.h"
#include "options.h"

namespace {

using namespace ptxrun;

// Exit statuses of our own; otherwise the program's.
constexpr int kFaults = 86, kCannotRun = 87;

constexpr char kUsage[] =
    "usage: ptxrun [options] PROGRAM [ARGUMENTS]\n"
    "Runs a CUDA program, linked with the shared runtime and holding uncompressed PTX, on the "
    "CPU.\n"
    "  --device NAME      sm_80, sm_89, sm_90a (default), sm_100a or sm_120\n"
    "  --devices N        how many of them, each with memory of its own (default 1, at most 8)\n"
    "  --schedule S       eager (default), lazy, random or random:SEED\n"
    "  --slice N          warp instructions before another warp's turn (default 4096)\n"
    "  --check LIST       of race, init and bounds (always on), or none; default all\n"
    "  --stats FILE       writes counters as JSON\n"
    "  --watchdog N       warp instructions without progress that are a deadlock\n"
    "  --resident N       blocks that run side by side in an ordinary launch (default 4)\n"
    "  --accumulators A   exact (default), or short: FP8 sums of wgmma cut as on Hopper\n"
    "  --threads N        of the host, for blocks that do not communicate (default: processors)\n"
    "Exit status: 86 if faults were found, 87 if the program could not be run, 128 + N if it died "
    "of\nsignal N, else the program's.\n";

int fail(const std::string& why) {
  std::fprintf(stderr, "ptxrun: %s\n", why.c_str());
  return kCannotRun;
}

// The folders of the library that this processor can run, best first.
std::vector<std::string> folders() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
    return {"x86-64-v3", ""};
#endif
  return {""};
}
// Beside the command, where the build puts it, or in the lib folder next to its bin.
std::string find_library() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& place : {here, here / "../lib/ptxrun"})
    for (const std::string& folder : folders())
      if (const fs::path p = place / folder / "libcudart.so.13"; fs::exists(p, error))
        return fs::canonical(p, error).string();
  return {};
}

void prepend(const char* variable, const std::string& value) {
  const char* old = std::getenv(variable);
  setenv(variable, (old && *old ? value + ":" + old : value).c_str(), 1);
}

struct Ledger {
  std::map<std::string, int> faults;
  int total = 0;
  bool is_complete = false;  // the runtime came to its end and said what was launched
  unsigned long long launches = 0, steps = 0;
};
Ledger read_ledger(int fd) {
  std::string text;
  char buffer[4096];
  lseek(fd, 0, SEEK_SET);
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, size_t(n));
  Ledger out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("fault ", 0) == 0) ++out.faults[line.substr(6)], ++out.total;
    unsigned long long launches, steps;
    if (std::sscanf(line.c_str(), "done %llu %llu", &launches, &steps) == 2)
      out.launches += launches, out.steps += steps, out.is_complete = true;
  }
  return out;
}

int run(const Options& options, char** command) {
  const std::string library = find_library();
  if (library.empty()) return fail("libcudart.so.13 of ptxrun is not beside the command");
  Options child = options;
  child.ledger_fd = memfd_create("ptxrun", 0);  // survives exec: the program's process writes to it
  if (child.ledger_fd < 0) return fail("no memory file for the results");
  const pid_t pid = fork();
  if (pid < 0) return fail("no new process");
  if (pid == 0) {
    // Preloaded: a run path in the program would win over LD_LIBRARY_PATH.
    prepend("LD_PRELOAD", library);
    prepend("LD_LIBRARY_PATH", std::filesystem::path(library).parent_path().string());
    setenv("PTXRUN_OPTIONS", write_options(child).c_str(), 1);
    execvp(command[0], command);
    std::fprintf(stderr, "ptxrun: %s could not be started: %s\n", command[0], std::strerror(errno));
    _exit(kCannotRun);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  const Ledger ledger = read_ledger(child.ledger_fd);
  std::string faults;
  for (const auto& [kind, count] : ledger.faults)
    faults += (faults.empty() ? ": " : ", ") + std::to_string(count) + " " + kind;
  if (WIFSIGNALED(status))
    std::fprintf(stderr, "ptxrun: the program died of signal %d (%s)\n", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
  if (ledger.is_complete)
    std::fprintf(stderr, "ptxrun: %llu launches, %llu warp instructions, %d faults%s\n",
                 ledger.launches, ledger.steps, ledger.total, faults.c_str());
  else
    std::fprintf(stderr,
                 "ptxrun: launches unknown (the CUDA runtime was not loaded, or not ended), %d "
                 "faults%s\n",
                 ledger.total, faults.c_str());
  if (ledger.total) return kFaults;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; ++at) {
    const std::string name = argv[at];
    if (name == "--") {
      ++at;
      break;
    }
    if (name == "--help") return std::fputs(kUsage, stdout), 0;
    if (name.rfind("--", 0) != 0 || name == "--ledger") return fail("there is no option " + name);
    if (at + 1 >= argc) return fail(name + " needs a value");
    std::string value = argv[++at];
    if (name == "--check")
      for (char& c : value) c = c == ',' ? '+' : c;
    if (value.find(',') != value.npos) return fail(name + " takes no comma");
    if (std::string why = read_options(name.substr(2) + "=" + value, options); !why.empty())
      return fail(why);
  }
  if (at >= argc) return std::fputs(kUsage, stderr), kCannotRun;
  if (!device_named(options.device))
    return fail("there is no device " + options.device +
                ": allowed are sm_80, sm_89, sm_90a, sm_100a and sm_120");
  return run(options, argv + at);
}
