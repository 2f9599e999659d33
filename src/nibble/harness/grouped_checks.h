// For the tests of ops of groups: what check() and check_offsets() say, and that results are those
// of the products with one matrix.
#pragma once
#include <fmt/format.h>

#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/base/op.h"
#include "nibble/cpu/detect.h"
#include "nibble/harness/memory.h"

namespace nibble::harness {

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

// Whether every bit that every variant makes of a group is that of One alone. Of One the last
// variant, which runs anywhere, stands for all. fill(a, rng) says what the groups are, too.
template <class Op, class One>
bool groups_are_of_products(typename Op::Args a, void (*fill)(typename Op::Args&, Random&)) {
  CaseMemory memory;
  Op::buffers(a, memory);
  Random rng(6);
  fill(a, rng);
  constexpr int64_t in_element = requires { a.x_blocks; }
  ? 2 : 1;  // of x
  std::vector<float> want(size_t(a.m * a.n));
  for (int g = 0; g < a.groups; ++g) {
    const int64_t first = a.offsets[g], count = a.offsets[g + 1] - first;
    if (count == 0) continue;
    typename One::Args one{.m = count, .n = a.n, .k = a.k, .ldx = a.ldx, .ldy = a.n};
    CaseMemory of_one;
    One::buffers(one, of_one);
    one.w = a.w + g * a.w_stride, one.x = a.x + first * a.ldx / in_element;
    if constexpr (requires { one.w_scale; }) one.w_scale = a.w_scale + int64_t(g) * a.n;
    if constexpr (requires { one.x_scale; }) one.x_scale = a.x_scale + first;
    if constexpr (requires { one.x_blocks; }) one.x_blocks = a.x_blocks + first * (a.k / 16);
    One::variants().back().run(one, {});
    std::memcpy(&want[size_t(first * a.n)], one.y, size_t(count * a.n) * sizeof(float));
  }
  const Machine machine = cpu::this_machine();
  bool right = Op::check(a).ok();
  for (const auto& v : Op::variants()) {
    if (!machine.has(v.needs)) continue;
    v.run(a, {});
    int64_t wrong = 0;
    for (int64_t i = 0; i < a.m; ++i)
      for (int64_t j = 0; j < a.n; ++j) {
        float& y = a.y[i * a.ldy + j];
        wrong += std::memcmp(&y, &want[size_t(i * a.n + j)], sizeof y) != 0;
        y = -1;
      }
    if (wrong > 0) fmt::print("{}: {} results are not of {}\n", v.name, wrong, One::name);
    right = right && wrong == 0;
  }
  return right;
}

}  // namespace nibble::harness
