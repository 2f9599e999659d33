// For tests: ranks that are threads of one process. A rank that ends with an exception ends the
// others, as the death of a process does.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "nibble/runtime/communicator.h"

namespace nibble {

class ThreadRanks {
 public:
  explicit ThreadRanks(int size) : size_(size) {}

  // fn(communicator) on every rank; the exception of each that threw, by rank.
  std::vector<std::exception_ptr> run(const std::function<void(Communicator&)>& fn) {
    std::vector<std::exception_ptr> thrown(static_cast<size_t>(size_));
    std::vector<std::thread> threads;
    for (int r = 0; r < size_; ++r)
      threads.emplace_back([&, r] {
        Rank rank(*this, r);
        try {
          fn(rank);
        } catch (...) {
          thrown[size_t(r)] = std::current_exception();
          const std::lock_guard lock(mutex_);
          dead_ = true;
          changed_.notify_all();
        }
      });
    for (std::thread& t : threads) t.join();
    return thrown;
  }

 private:
  struct Rank final : Communicator {
    Rank(ThreadRanks& all, int rank) : all_(all), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return all_.size_; }
    void sum(std::span<int32_t> v) override { all_.sum(v); }
    void sum(std::span<int64_t> v) override { all_.sum(v); }
    ThreadRanks& all_;
    int rank_;
  };

  // The last rank to come publishes the sums of all; nobody begins the next exchange before that.
  template <class T>
  void sum(std::span<T> v) {
    std::unique_lock lock(mutex_);
    if (arrived_ == 0) sums_.assign(v.size(), 0);
    if (v.size() != sums_.size()) throw Error("ranks disagree about what they exchange");
    for (size_t i = 0; i < v.size(); ++i) sums_[i] += uint64_t(v[i]);
    const int64_t exchange = exchange_;
    if (++arrived_ == size_) {
      published_ = sums_;
      arrived_ = 0, ++exchange_;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return exchange_ != exchange || dead_; });
    if (exchange_ == exchange) throw Error("another rank has died");
    for (size_t i = 0; i < v.size(); ++i) v[i] = T(published_[i]);
  }

  const int size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint64_t> sums_, published_;
  int arrived_ = 0;
  int64_t exchange_ = 0;
  bool dead_ = false;
};

}  // namespace nibble
