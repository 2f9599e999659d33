// Streams and events: work waits in order, and runs when somebody waits for it (or sooner, as the
// schedule says), so that a program which forgets to wait sees what it may see on a GPU.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "options.h"
#include "random.h"

namespace ptxrun {

struct Task {
  std::function<void()> run;
  std::vector<std::shared_ptr<Task>> after;
  uint64_t number = 0;
  bool done = false;
};

struct Stream {
  bool blocking = true;  // waits for the legacy default stream, and that for it
  std::shared_ptr<Task> last;
};

struct Event {
  std::shared_ptr<Task> task;  // null: never recorded
  bool timed = true;
  uint64_t time = 0;  // warp instructions executed when the task ran
};

class Streams {
 public:
  explicit Streams(const Options& options) : options_(options), random_(options.seed) {}
  // Puts work at the end of `stream` (null: the legacy default stream).
  std::shared_ptr<Task> push(Stream* stream, std::function<void()> run);
  void wait_for(Stream* stream, const std::shared_ptr<Task>& task);  // cudaStreamWaitEvent
  void finish(const std::shared_ptr<Task>& task);
  void finish(Stream* stream);
  void finish_all();
  bool is_done(Stream* stream);

  Stream* create(bool blocking);
  bool destroy(Stream* stream);
  bool exists(Stream* stream) const { return !stream || streams_.count(stream); }
  Event* create_event(bool timed);
  bool destroy_event(Event* event);
  bool exists(Event* event) const { return events_.count(event); }

 private:
  std::shared_ptr<Task>& last_of(Stream* stream) { return stream ? stream->last : legacy_.last; }
  const Options& options_;
  Random random_;
  Stream legacy_;
  std::set<Stream*> streams_;
  std::set<Event*> events_;
  uint64_t count_ = 0;
};

}  // namespace ptxrun
