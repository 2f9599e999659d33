// Numbers on a command line.
#pragma once
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>

namespace nibble::app {

// Takes a number from `least` to `most` as it is usually written, and nothing else: not "nan",
// which no comparison refuses, not "010" or "0x10", which the parser reads in its own way, not "-1"
// for 2^64 - 1, and nothing that it would cut to what fits.
template <class T>
CLI::Validator between(T least, T most) {
  constexpr bool whole = std::integral<T>;
  const auto check = [=](const std::string& text) -> std::string {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= least &&
        value <= most && (!whole || fmt::to_string(value) == text))
      return "";
    return fmt::format("Value {} not in range: a {}number from {} to {} is needed", text,
                       whole ? "whole " : "", least, most);
  };
  return {check, fmt::format("in [{} - {}]", least, most)};
}

inline CLI::Validator seed_number() { return between(uint64_t(0), UINT64_MAX); }

}  // namespace nibble::app
