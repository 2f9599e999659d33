#include "nibble/runtime/json.h"

#include <set>
#include <vector>

#include "nibble/runtime/error.h"

namespace nibble {

using nlohmann::json;

std::string in_quotes(std::string_view name) {
  return json(name).dump(-1, ' ', true, json::error_handler_t::replace);
}

std::string listed(std::span<const int64_t> shape) { return json(shape).dump(); }

std::string text_of(const nlohmann::ordered_json& j, int indent) try {
  return j.dump(indent);
} catch (const json::exception&) {
  throw Error("names and texts that are kept in a file must be UTF-8: " +
              in_quotes(j.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 300)));
}

std::string reason(const json::exception& e) {
  std::string why = e.what();  // "[json.exception.parse_error.101] parse error at ..."
  for (char& c : why)          // it quotes what it could not read
    if (uint8_t(c) >= 0x80) c = '?';
  const size_t at = why.find("] ");
  return why.substr(at == std::string::npos ? 0 : at + 2);
}

json parse_json(std::string_view text, size_t depth, const std::string& called) {
  // The parser takes it for the end and would ignore what follows.
  if (text.find('\0') != std::string_view::npos)
    throw Error(called + ": this is not JSON in UTF-8: it holds a zero byte");
  std::vector<std::set<std::string>> keys;  // of the objects and arrays that are open
  const auto watch = [&](int, json::parse_event_t event, json& value) {
    using Event = json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (keys.size() == depth)
        throw Error(called + ": JSON here is nested at most " + std::to_string(depth) + " deep");
      keys.emplace_back();
    } else if (event == Event::object_end || event == Event::array_end) {
      keys.pop_back();
    } else if (event == Event::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second)
        throw Error(called + ": " + in_quotes(key) + " stands there twice");
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::exception& e) {
    throw Error(called + ": this is not JSON in UTF-8: " + reason(e));
  }
}

bool whole_number(const json& j, int64_t& value) {
  if (!j.is_number_unsigned() || j.get<uint64_t>() > uint64_t(INT64_MAX)) return false;
  value = int64_t(j.get<uint64_t>());
  return true;
}

}  // namespace nibble
