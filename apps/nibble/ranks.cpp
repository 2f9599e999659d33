#include "ranks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#if NIBBLE_MPI
#include "nibble/runtime/communicator_mpi.h"
#endif

namespace nibble::app {
namespace {

// The first of these variables that holds a number.
int number_in(std::initializer_list<const char*> names, int otherwise) {
  for (const char* name : names) {
    const char* value = std::getenv(name);
    const std::string_view text = value ? value : "";
    int n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (!text.empty() && error == std::errc() && end == text.data() + text.size()) return n;
  }
  return otherwise;
}

}  // namespace

// Open MPI, then MPICH and what follows its conventions.
Launch launch() {
  return {.rank = number_in({"OMPI_COMM_WORLD_RANK", "PMI_RANK"}, 0),
          .size = number_in({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}, 1),
          .local_size = number_in({"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"}, 1)};
}

std::unique_ptr<Communicator> join_ranks([[maybe_unused]] const std::atomic<bool>& interrupted,
                                         [[maybe_unused]] std::function<void()> stalled) {
  const int size = launch().size;
  if (size <= 1) return nullptr;
#if NIBBLE_MPI
  return make_mpi_communicator({.interrupted = &interrupted, .stalled = std::move(stalled)});
#else
  throw Error(
      fmt::format("started as one of {} processes, and this nibble was built without MPI: "
                  "install libopenmpi-dev and openmpi-bin and build it again",
                  size));
#endif
}

int threads_of_rank(int cores) {
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  return std::max(1, std::min(cores, int(online) / std::max(1, launch().local_size)));
}

}  // namespace nibble::app
