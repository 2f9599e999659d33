#include "call.h"

#include <cstdio>
#include <string>

#include "access.h"
#include "memory.h"

namespace ptxrun {
namespace {

void copy(Warp& w, const Op& op, uint32_t mask, size_t begin, size_t end, bool back) {
  for (size_t k = begin; k + 2 < end; k += 3) {
    uint8_t* caller = w.registers.data() + op.list[k].at;
    uint8_t* callee = w.registers.data() + op.list[k + 1].at;
    const size_t bytes = op.list[k + 2].at;
    each_lane(mask, [&](int l) {
      const size_t at = size_t(l) * bytes;
      std::memcpy((back ? caller : callee) + at, (back ? callee : caller) + at, bytes);
    });
  }
}

template <class T>
T argument(Warp& w, const Op& op, size_t k, int lane) {
  T v;
  std::memcpy(&v, w.registers.data() + op.list[k].at + size_t(lane) * sizeof v, sizeof v);
  return v;
}

std::string string_at(Warp& w, const Op& op, uint64_t address, int lane) {
  std::string s;
  for (;; ++address) {
    const char c = char(*resolve(w, op, Space::generic, address, 1, lane, false));
    if (c == '\0' || s.size() > 65536) return s;
    s += c;
  }
}

// The arguments of a device printf stand in memory one after another, each aligned to its size:
// 4 bytes for int, 8 for long long, double and pointers.
class Arguments {
 public:
  Arguments(Warp& w, const Op& op, uint64_t at, int lane) : w_(w), op_(op), at_(at), lane_(lane) {}
  template <class T>
  T next() {
    at_ = (at_ + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    T v;
    std::memcpy(&v, resolve(w_, op_, Space::generic, at_, sizeof v, lane_, false), sizeof v);
    at_ += sizeof(T);
    return v;
  }

 private:
  Warp& w_;
  const Op& op_;
  uint64_t at_;
  int lane_;
};

template <class T>
std::string print(const std::string& spec, T value) {
  char text[512];
  std::snprintf(text, sizeof text, spec.c_str(), value);
  return text;
}

int print_lane(Warp& w, const Op& op, int lane) {
  const std::string format = string_at(w, op, argument<uint64_t>(w, op, 0, lane), lane);
  Arguments args(w, op, argument<uint64_t>(w, op, 1, lane), lane);
  std::string out;
  int conversions = 0;
  for (size_t i = 0; i < format.size();) {
    if (format[i] != '%') {
      out += format[i++];
      continue;
    }
    if (i + 1 < format.size() && format[i + 1] == '%') {
      out += '%', i += 2;
      continue;
    }
    std::string spec = "%";
    bool is_long = false;
    for (++i; i < format.size(); ++i) {
      const char c = format[i];
      if (c == '*') {
        spec += std::to_string(args.next<int32_t>());
      } else if (std::string_view("hlLqjzt").find(c) != std::string_view::npos) {
        is_long |= c != 'h';
      } else if (std::string_view("diouxXcfFeEgGaAsp").find(c) != std::string_view::npos) {
        break;
      } else {
        spec += c;
      }
    }
    if (i >= format.size()) break;
    const char c = format[i++];
    ++conversions;
    if (c == 's') {
      const uint64_t p = args.next<uint64_t>();
      out += print(spec + c, p ? string_at(w, op, p, lane).c_str() : "(null)");
    } else if (c == 'p') {
      out += print(spec + c, reinterpret_cast<void*>(args.next<uint64_t>()));
    } else if (std::string_view("fFeEgGaA").find(c) != std::string_view::npos) {
      out += print(spec + c, args.next<double>());
    } else if (c == 'c') {
      out += print(spec + c, args.next<int32_t>());
    } else if (is_long) {
      out += print(spec + "ll" + c, args.next<long long>());
    } else {
      out += print(spec + c, args.next<int32_t>());
    }
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
  return conversions;
}

void vprintf_builtin(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const int32_t n = print_lane(w, op, l);
    if (op.list.size() > 2)
      std::memcpy(w.registers.data() + op.list[2].at + size_t(l) * 4, &n, sizeof n);
  });
}

// __assertfail(message, file, line, function, size of a character)
void assert_builtin(Warp& w, const Op& op, uint32_t mask) {
  const int l = std::countr_zero(mask);
  throw Fault{FaultKind::assertion,
              string_at(w, op, argument<uint64_t>(w, op, 1, l), l) + ":" +
                  std::to_string(argument<uint32_t>(w, op, 2, l)) + ": " +
                  string_at(w, op, argument<uint64_t>(w, op, 3, l), l) + ": assertion `" +
                  string_at(w, op, argument<uint64_t>(w, op, 0, l), l) + "` failed",
              mask};
}

// malloc(bytes) and free(address): memory of the device, never twice at one place.
void malloc_builtin(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const uint64_t bytes = argument<uint64_t>(w, op, 0, l);
    const Launch& launch = *w.block->launch;
    const Allocation* a = bytes ? launch.memory->allocate(bytes, Allocation::Kind::device,
                                                          " by a kernel", launch.device)
                                : nullptr;
    const uint64_t address = a ? a->base : 0;
    std::memcpy(w.registers.data() + op.list[1].at + size_t(l) * 8, &address, sizeof address);
  });
  ++w.block->launch->progress;
}
void free_builtin(Warp& w, const Op& op, uint32_t mask) {
  w.block->launch->recent = {};
  each_lane(mask, [&](int l) {
    const uint64_t address = argument<uint64_t>(w, op, 0, l);
    if (address && !w.block->launch->memory->release(address, Allocation::Kind::device))
      throw Fault{FaultKind::misuse,
                  "free of an address that malloc did not give or that was freed: " +
                      w.block->launch->memory->describe(address),
                  1u << l};
  });
  ++w.block->launch->progress;
}

}  // namespace

void copy_arguments(Warp& w, const Op& op, uint32_t mask) {
  copy(w, op, mask, 0, size_t(op.mode[0]), false);
}
void copy_results(Warp& w, const Op& op, uint32_t mask) {
  copy(w, op, mask, size_t(op.mode[0]), op.list.size(), true);
}

Handler builtin_named(std::string_view name) {
  if (name == "vprintf") return vprintf_builtin;
  if (name == "__assertfail") return assert_builtin;
  if (name == "malloc") return malloc_builtin;
  if (name == "free") return free_builtin;
  return nullptr;
}

}  // namespace ptxrun
