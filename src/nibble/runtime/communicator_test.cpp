#include "nibble/runtime/communicator.h"

#include <gtest/gtest.h>

#include <atomic>

#include "nibble/runtime/thread_ranks.h"

namespace nibble {
namespace {

std::string what(const std::exception_ptr& e) {
  if (!e) return "";
  try {
    std::rethrow_exception(e);
  } catch (const ErrorElsewhere& x) {
    return std::string("elsewhere: ") + x.what();
  } catch (const std::exception& x) {
    return x.what();
  }
}

TEST(Communicator, SharesCoverAllTasksOnce) {
  for (const int ranks : {1, 2, 3, 7})
    for (const int64_t tasks : {0, 1, 5, 64}) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(tasks));
      ThreadRanks(ranks).run([&](Communicator& c) {
        const Share s = share_of(&c, tasks);
        EXPECT_LE(s.end - s.begin, (tasks + ranks - 1) / ranks);
        for (int64_t i = s.begin; i < s.end; ++i) ++done[size_t(i)];
      });
      for (const auto& d : done) EXPECT_EQ(d, 1);
    }
  EXPECT_EQ(share_of(nullptr, 9).end, 9);
}

TEST(Communicator, SumsWrapAround) {
  ThreadRanks(3).run([](Communicator& c) {
    for (int round = 0; round < 100; ++round) {
      std::vector<int32_t> v = {c.rank() + round, -1, 0x7fffffff};
      c.sum(v);
      EXPECT_EQ(v, (std::vector<int32_t>{3 + 3 * round, -3, 0x7ffffffd}));
      EXPECT_EQ(gather(&c, 10 - c.rank()), (std::vector<int64_t>{10, 9, 8}));
      EXPECT_EQ(any_of(&c, c.rank() == round % 5), round % 5 < 3);
    }
  });
}

TEST(Communicator, OneRankSaysWhatWasWrong) {
  for (const int first : {0, 1}) {
    const auto thrown = ThreadRanks(3).run([&](Communicator& c) {
      together(&c, [] {});
      together(&c, [&] {
        if (c.rank() >= first) throw Error("disk " + std::to_string(c.rank()));
      });
      FAIL();
    });
    for (int r = 0; r < 3; ++r)
      EXPECT_EQ(what(thrown[size_t(r)]),
                r == first ? "disk " + std::to_string(r)
                           : "elsewhere: rank " + std::to_string(first) + " has failed");
  }
  int calls = 0;
  on_rank_0(nullptr, [&] { ++calls; });
  ThreadRanks(3).run([&](Communicator& c) { on_rank_0(&c, [&] { ++calls; }); });
  EXPECT_EQ(calls, 2);
}

TEST(Communicator, ADeadRankEndsTheOthers) {
  const auto thrown = ThreadRanks(2).run([](Communicator& c) {
    if (c.rank() == 1) throw Error("dead");
    any_of(&c, true);
  });
  EXPECT_EQ(what(thrown[0]), "another rank has died");
}

}  // namespace
}  // namespace nibble
