#include "stream.h"

#include <algorithm>

namespace ptxrun {

int& current_device() {
  thread_local int device = 0;
  return device;
}

std::shared_ptr<Task> Streams::push(Stream* stream, std::function<void()> run,
                                    const std::shared_ptr<Task>& other) {
  if (stream && stream->capture) {
    stream->capture->nodes.push_back(std::move(run));
    stream->joined = false, stream->captured = stream->capture->nodes.size();
    return nullptr;
  }
  auto task = std::make_shared<Task>();
  task->run = std::move(run);
  task->number = ++count_;
  auto depend = [&](const std::shared_ptr<Task>& t) {
    if (t && !t->done) task->after.push_back(t);
  };
  depend(last_of(stream));
  depend(other);
  if (!stream) {
    for (Stream* s : streams_)
      if (s->blocking && s->device == current_device()) depend(s->last);
  } else if (stream->blocking) {
    depend(legacy_[size_t(stream->device)].last);
  }
  last_of(stream) = task;
  // eager: at once; lazy: when waited for; random: a third at once, the rest when waited for
  if (options_.schedule == Schedule::eager ||
      (options_.schedule == Schedule::random && random_.below(3) == 0))
    finish(task);
  return task;
}

void Streams::wait_for(Stream* stream, const std::shared_ptr<Task>& task) {
  if (task && !task->done)
    push(
        stream, [] {}, task);
}

void Streams::finish(const std::shared_ptr<Task>& task) {
  if (!task || task->done) return;
  // Depth first without recursion: chains are as long as a program issues work without waiting.
  std::vector<std::shared_ptr<Task>> stack{task};
  while (!stack.empty()) {
    const std::shared_ptr<Task> t = stack.back();
    const auto open = std::find_if(t->after.begin(), t->after.end(),
                                   [](const std::shared_ptr<Task>& a) { return !a->done; });
    if (open != t->after.end()) {
      stack.push_back(*open);
      continue;
    }
    stack.pop_back();
    if (t->done) continue;
    t->done = true;
    t->after.clear();
    t->run();
    t->run = nullptr;
  }
}

void Streams::finish(Stream* stream) { finish(last_of(stream)); }

void Streams::finish_all(int device) {
  finish(legacy_[size_t(device)].last);
  for (Stream* s : streams_)
    if (s->device == device) finish(s->last);
}

bool Streams::is_done(Stream* stream) {
  const auto& last = last_of(stream);
  return !last || last->done;
}

bool Streams::captures() const {
  return std::any_of(streams_.begin(), streams_.end(), [](Stream* s) { return s->capture; });
}
bool Streams::captures_here() const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [](Stream* s) { return s->capture && s->device == current_device(); });
}
void Streams::begin_capture(Stream* stream) {
  stream->capture = new Graph;
  stream->origin = true, stream->joined = true;
}
Streams::End Streams::end_capture(Stream* stream, Graph*& graph) {
  graph = nullptr;
  if (!stream->capture) return End::not_capturing;
  if (!stream->origin) return End::not_origin;
  Graph* const mine = stream->capture;
  bool joined = true;
  for (Stream* s : streams_) {
    if (s->capture != mine) continue;
    if (s != stream) joined &= s->joined;
    s->capture = nullptr, s->origin = false, s->joined = true;
  }
  if (joined)
    graph = mine;
  else
    delete mine;
  return joined ? End::good : End::unjoined;
}
void Streams::record_captured(Stream* stream, Event* event) {
  event->capture = stream->capture, event->captured_on = stream;
  event->captured_at = stream->capture->nodes.size();
}
bool Streams::wait_captured(Stream* stream, Event* event) {
  if (!event->capture || (stream->capture && stream->capture != event->capture)) return false;
  if (!streams_.count(event->captured_on) || event->captured_on->capture != event->capture)
    return false;
  if (!stream->capture) {  // a fork: the stream captures from now on
    stream->capture = event->capture;
    stream->joined = false;
  } else if (event->captured_on != stream && event->captured_at >= event->captured_on->captured) {
    event->captured_on->joined = true;  // all of its work is before the event
  }
  return true;
}

GraphNode* Graph::handle(size_t at) {
  if (handles.size() < nodes.size()) handles.resize(nodes.size());
  if (!handles[at]) handles[at] = std::make_shared<GraphNode>(GraphNode{this, at});
  return handles[at].get();
}

Stream* Streams::create(bool blocking) {
  auto* s = new Stream;
  s->blocking = blocking, s->device = current_device();
  streams_.insert(s);
  return s;
}
bool Streams::destroy(Stream* stream) {
  if (!streams_.count(stream)) return false;
  finish(stream->last);
  streams_.erase(stream);
  delete stream;
  return true;
}
Event* Streams::create_event(bool timed) {
  auto* e = new Event;
  e->timed = timed, e->device = current_device();
  events_.insert(e);
  return e;
}
bool Streams::destroy_event(Event* event) {
  if (!events_.erase(event)) return false;
  delete event;
  return true;
}

}  // namespace ptxrun
