// JSON that may be hostile, as a header, an index or a config.json is: read whole or refused with
// one sentence.
#pragma once
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace nibble {

// Throws nibble::Error, which `called` begins, if this is not JSON in UTF-8, if a key stands twice
// in an object (a parser would silently keep one of them), or if it is nested past `depth`.
nlohmann::json parse_json(std::string_view text, size_t depth, const std::string& called);

// A name as a JSON string, so that whatever it holds stays on one line of a message.
std::string in_quotes(std::string_view name);

// JSON to be kept. Throws nibble::Error if a string is not UTF-8, as the name of a file may be.
std::string text_of(const nlohmann::ordered_json&, int indent = -1);

// What a parser or a conversion complains about, without the library's own number of it.
std::string reason(const nlohmann::json::exception&);

// "[2,3]"
std::string listed(std::span<const int64_t> shape);

// [0, 2^63), or false.
bool whole_number(const nlohmann::json&, int64_t& value);

}  // namespace nibble
