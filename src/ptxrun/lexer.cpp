#include "lexer.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "parser.h"

namespace ptxrun {
namespace {

bool starts_word(char c) { return std::isalpha(uint8_t(c)) || c == '_' || c == '$' || c == '%'; }
bool in_word(char c) { return std::isalnum(uint8_t(c)) || c == '_' || c == '$' || c == '%'; }

// Words carry their suffixes: `.x` of %tid.x, `.global.u32` of an opcode, `::cta` of a state space.
// Directives end at the next dot: ".reg.b32" is two.
size_t word_end(std::string_view s, size_t at, bool dots) {
  while (at < s.size()) {
    if (in_word(s[at])) {
      ++at;
    } else if (dots && s[at] == '.' && at + 1 < s.size() && in_word(s[at + 1])) {
      ++at;
    } else if (s[at] == ':' && at + 2 < s.size() && s[at + 1] == ':' && in_word(s[at + 2])) {
      at += 2;
    } else {
      break;
    }
  }
  return at;
}

size_t number_end(std::string_view s, size_t at) {
  const bool plain = s[at] != '0' || at + 1 >= s.size() || !std::isalpha(uint8_t(s[at + 1]));
  while (at < s.size() && (std::isalnum(uint8_t(s[at])) || s[at] == '.' ||
                           (plain && (s[at] == '-' || s[at] == '+') && s[at - 1] == 'e')))
    ++at;
  return at;
}

}  // namespace

std::vector<Token> tokenize(std::string_view s) {
  std::vector<Token> out;
  int line = 1;
  bool fresh = true;
  size_t at = 0;
  auto push = [&](Tok kind, size_t begin, size_t end) {
    out.push_back({kind, s.substr(begin, end - begin), line, fresh});
    fresh = false;
  };
  while (at < s.size()) {
    const char c = s[at];
    if (c == '\n') {
      ++line, ++at, fresh = true;
    } else if (std::isspace(uint8_t(c)) || c == '\0') {
      ++at;
    } else if (s.substr(at, 2) == "//") {
      at = std::min(s.find('\n', at), s.size());
    } else if (s.substr(at, 2) == "/*") {
      const size_t end = std::min(s.find("*/", at), s.size() - 2) + 2;
      for (; at < end; ++at) line += s[at] == '\n';
    } else if (starts_word(c)) {
      const size_t end = word_end(s, at, true);
      push(Tok::word, at, end), at = end;
    } else if (c == '.' && at + 1 < s.size() && in_word(s[at + 1])) {
      const size_t end = word_end(s, at + 1, false);
      push(Tok::directive, at, end), at = end;
    } else if (std::isdigit(uint8_t(c))) {
      const size_t end = number_end(s, at);
      push(Tok::number, at, end), at = end;
    } else if (c == '"') {
      const size_t end = s.find('"', at + 1);
      if (end == s.npos) throw ParseError(line, "a string that does not end");
      push(Tok::string, at + 1, end), at = end + 1;
    } else if (std::string_view(",;:[]{}()<>=+-@!|&").find(c) != std::string_view::npos) {
      push(Tok::mark, at, at + 1), ++at;
    } else {
      throw ParseError(line, std::string("unexpected character '") + c + "'");
    }
  }
  out.push_back({Tok::end, {}, line, true});
  return out;
}

}  // namespace ptxrun
