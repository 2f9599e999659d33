// Streams, events and captured graphs that clean up after themselves. Handles are void* here, so
// that what plans work need not see CUDA; Exec::stream is get() of a Stream.
#pragma once
#include <utility>

#include "nibble/base/status.h"

namespace nibble::cuda {

// An owned handle; Destroy tells how it ends.
template <void (*Destroy)(void*)>
class Handle {
 public:
  Handle() = default;
  ~Handle() { reset(nullptr); }
  Handle(Handle&& o) noexcept : handle_(std::exchange(o.handle_, nullptr)) {}
  Handle& operator=(Handle&& o) noexcept {
    std::swap(handle_, o.handle_);
    return *this;
  }
  void reset(void* handle) {
    if (handle_) Destroy(handle_);
    handle_ = handle;
  }
  void* get() const { return handle_; }

 private:
  void* handle_ = nullptr;
};

void destroy_stream(void*);
void destroy_event(void*);
void destroy_graph(void*);

class Stream {
 public:
  Status create();  // does not wait for the default stream
  void* get() const { return handle_.get(); }

 private:
  Handle<destroy_stream> handle_;
};

class Event {
 public:
  Status create();
  Status record(void* stream);
  // Waits for both; `ms` is the device's time between them.
  static Status between(const Event& first, const Event& last, float& ms);

 private:
  Handle<destroy_event> handle_;
};

// What was launched into a stream between begin() and end(), to be launched as one.
class Graph {
 public:
  Status begin(void* stream);
  Status end(void* stream);
  Status launch(void* stream) const;

 private:
  Handle<destroy_graph> executable_;
};

}  // namespace nibble::cuda
