// For the tests of ops of groups.
#pragma once
#include <initializer_list>
#include <string>

#include "nibble/base/status.h"

namespace nibble {

// What offsets of 9 tokens check_offsets() takes.
template <class Args>
bool tells_offsets(Status (*check_offsets)(const Args&)) {
  const auto takes = [&](std::initializer_list<int64_t> offsets) {
    return check_offsets({.groups = int(offsets.size()) - 1, .m = 9, .offsets = offsets.begin()})
        .ok();
  };
  return takes({0, 9}) && takes({0, 0, 4, 9, 9}) && !takes({0, 5, 4, 9}) && !takes({0, 8}) &&
         !takes({1, 9}) && !takes({0, 10, 9}) && !takes({0, -1, 9});
}
// Args that are right but for their pointers are refused for these; others before, for what they
// say. `least` is a matrix of a row of 64, and w_stride a multiple of `multiple`.
template <class Op>
bool refuses_groups(int64_t least, int multiple = 64) {
  const auto why = [](int groups, int n, int64_t stride) {
    const int64_t offsets[] = {0, 1, 1};
    return Op::check({.groups = groups,
                      .m = 1,
                      .n = n,
                      .k = 64,
                      .ldx = 64,
                      .ldy = n,
                      .w_stride = stride,
                      .offsets = offsets})
        .why();
  };
  const auto says = [&](const std::string& message, const char* what) {
    return message.find(what) != std::string::npos;
  };
  return says(why(0, 1, least), "must be positive") && says(why(2, 0, least), "must be positive") &&
         says(why(2, 1, least + multiple / 2), "w_stride") &&
         says(why(2, 1, least - multiple), "w_stride") && says(why(2, 1, least), "null");
}

}  // namespace nibble
