#include "nibble/runtime/communicator_mpi.h"

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace nibble {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kYielding = 2ms;    // of a wait; then it sleeps, for the others may be slow
constexpr auto kPatience = 200ms;  // from the order to stop to `stalled`
constexpr auto kGivingUp = 10s;    // and to an error
constexpr size_t kMostAtOnce = size_t(1) << 28;  // elements: a count is an int

void check(int code) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(std::string("the exchange with the other processes failed: ") + text);
}

class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(MpiOptions options) : options_(std::move(options)) {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided));
    if (provided < MPI_THREAD_FUNNELED) throw Error("this MPI does not allow threads beside it");
    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    check(MPI_Comm_dup(MPI_COMM_WORLD, &leaving_));
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_));
    check(MPI_Comm_size(MPI_COMM_WORLD, &size_));
  }
  // MPI_Finalize waits for all ranks, and so for ever where one of them waits in a sum.
  ~MpiCommunicator() override {
    MPI_Request all = MPI_REQUEST_NULL;
    int done = 0;
    if (MPI_Ibarrier(leaving_, &all) == MPI_SUCCESS)
      for (const auto start = Clock::now(); !done && Clock::now() - start < kGivingUp;) {
        if (MPI_Test(&all, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) break;
        if (!done) std::this_thread::sleep_for(50us);
      }
    if (!done) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Finalize();
  }
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void sum(std::span<int32_t> v) override { sum_as(v, MPI_UINT32_T); }
  void sum(std::span<int64_t> v) override { sum_as(v, MPI_UINT64_T); }

 private:
  template <class T>
  void sum_as(std::span<T> v, MPI_Datatype type) {
    while (!v.empty()) {
      const auto piece = v.first(std::min(v.size(), kMostAtOnce));
      MPI_Request request = MPI_REQUEST_NULL;
      check(MPI_Iallreduce(MPI_IN_PLACE, piece.data(), int(piece.size()), type, MPI_SUM,
                           MPI_COMM_WORLD, &request));
      wait(request);
      v = v.subspan(piece.size());
    }
  }

  void wait(MPI_Request& request) {
    const auto start = Clock::now();
    auto told = Clock::time_point::max();
    bool said = false;
    for (int done = 0;;) {
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
      if (done) return;
      const auto now = Clock::now();
      if (now - start < kYielding)
        std::this_thread::yield();
      else
        std::this_thread::sleep_for(50us);
      if (!options_.interrupted || !*options_.interrupted) continue;
      told = std::min(told, now);
      if (!said && now - told > kPatience) {
        said = true;
        if (options_.stalled) options_.stalled();
      }
      if (now - told > kGivingUp)
        throw Error("told to stop, and other processes of this run do not answer");
    }
  }

  MpiOptions options_;
  MPI_Comm leaving_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator(MpiOptions options) {
  return std::make_unique<MpiCommunicator>(std::move(options));
}

}  // namespace nibble
