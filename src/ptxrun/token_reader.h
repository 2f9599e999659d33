// Steps through the tokens of a PTX text.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "lexer.h"
#include "parser.h"

namespace ptxrun {

class TokenReader {
 protected:
  explicit TokenReader(std::string_view text) : tokens_(tokenize(text)) {}

  const Token& previous() const { return tokens_[at_ - 1]; }
  const Token& peek(int ahead = 0) const {
    return tokens_[std::min(at_ + size_t(ahead), tokens_.size() - 1)];
  }
  const Token& next() {
    const Token& t = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return t;
  }
  bool is_end() const { return peek().kind == Tok::end; }
  bool is(std::string_view text) const { return peek().text == text && peek().kind != Tok::string; }
  bool take(std::string_view text) {
    if (!is(text)) return false;
    next();
    return true;
  }
  void expect(std::string_view text) {
    if (!take(text)) fail("expected '" + std::string(text) + "'");
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw ParseError(peek().line, what + " near '" + std::string(peek().text) + "'");
  }
  void skip_line() {
    do next();
    while (!is_end() && !peek().starts_line);
  }
  void skip_statement() {
    while (!is_end() && !take(";")) next();
  }
  std::string word() {
    if (peek().kind != Tok::word) fail("expected a name");
    return std::string(next().text);
  }
  // An integer with optional sign.
  int64_t integer() {
    const bool minus = take("-");
    if (peek().kind != Tok::number) fail("expected a number");
    const int64_t v = int64_t(std::strtoull(std::string(next().text).c_str(), nullptr, 0));
    return minus ? -v : v;
  }

 private:
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace ptxrun
