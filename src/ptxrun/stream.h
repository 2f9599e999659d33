// Streams and events: work waits in order, and runs when somebody waits for it (or sooner, as the
// schedule says), so that a program which forgets to wait sees what it may see on a GPU.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "device.h"
#include "options.h"
#include "random.h"

namespace ptxrun {

// Of this thread of the host, as cudaSetDevice left it. A null stream is the legacy default stream
// of this device.
int& current_device();

struct Task {
  std::function<void()> run;
  std::vector<std::shared_ptr<Task>> after;
  uint64_t number = 0;
  bool done = false;
};

// What a stream was told while it captured, in the order it was told, which satisfies every
// dependency.
struct Graph;
struct GraphNode {
  Graph* graph = nullptr;
  size_t at = 0;  // in the graph, and in what was instantiated from it
};
struct Graph {
  std::vector<std::function<void()>> nodes;
  std::vector<std::shared_ptr<GraphNode>> handles;  // of those a program was told of
  GraphNode* handle(size_t at);
};

struct Stream {
  int device = 0;
  bool blocking = true;  // waits for the legacy default stream, and that for it
  std::shared_ptr<Task> last;
  // While capturing: the graph, who began it, and whether the origin has waited for the last work.
  Graph* capture = nullptr;
  bool origin = false, joined = true;
  size_t captured = 0;  // nodes the graph had after this stream's last
};

struct Event {
  int device = 0;
  std::shared_ptr<Task> task;  // null: never recorded
  bool timed = true;
  Stream* captured_on = nullptr;  // recorded while that stream captured, to be waited for in it
  Graph* capture = nullptr;
  size_t captured_at = 0;  // nodes the graph had
  uint64_t time = 0;       // warp instructions executed when the task ran
};

inline int device_of(const Stream* stream) { return stream ? stream->device : current_device(); }

class Streams {
 public:
  explicit Streams(const Options& options) : options_(options), random_(options.seed) {}
  // Puts work at the end of `stream` (null: the legacy default stream), to be done after `other`.
  std::shared_ptr<Task> push(Stream* stream, std::function<void()> run,
                             const std::shared_ptr<Task>& other = nullptr);
  void wait_for(Stream* stream, const std::shared_ptr<Task>& task);  // cudaStreamWaitEvent
  void finish(const std::shared_ptr<Task>& task);
  void finish(Stream* stream);
  void finish_all(int device);
  bool is_done(Stream* stream);

  bool captures() const;       // any stream
  bool captures_here() const;  // any of the current device
  void begin_capture(Stream* stream);
  enum class End { good, not_capturing, unjoined, not_origin };
  End end_capture(Stream* stream, Graph*& graph);
  void record_captured(Stream* stream, Event* event);
  bool wait_captured(Stream* stream, Event* event);  // false: the event is of another capture

  Stream* create(bool blocking);
  bool destroy(Stream* stream);
  bool exists(Stream* stream) const { return !stream || streams_.count(stream); }
  Event* create_event(bool timed);
  bool destroy_event(Event* event);
  bool exists(Event* event) const { return events_.count(event); }

 private:
  std::shared_ptr<Task>& last_of(Stream* stream) {
    return stream ? stream->last : legacy_[size_t(current_device())].last;
  }
  const Options& options_;
  Random random_;
  std::array<Stream, kMaxDevices> legacy_;
  std::set<Stream*> streams_;
  std::set<Event*> events_;
  uint64_t count_ = 0;
};

}  // namespace ptxrun
