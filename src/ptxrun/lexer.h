// PTX text to tokens.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "types.h"

namespace ptxrun {

enum class Tok : uint8_t {
  word,       // ld.global.u32, %r1, %tid.x, $L__BB0_1, param0
  directive,  // .reg, .b32
  number,     // 12, -3, 0x1f, 0f3F800000, 0d..., 1.5
  string,     // "..." without the quotes
  mark,       // one of , ; : [ ] { } ( ) < > = + - @ ! | &
  end,
};

struct Token {
  Tok kind = Tok::end;
  std::string_view text;
  int line = 1;
  bool starts_line = false;  // .loc and .file end where their line ends
};

// Throws ParseError (parser.h) on a character PTX does not have. Views point into `ptx`.
std::vector<Token> tokenize(std::string_view ptx);

}  // namespace ptxrun
