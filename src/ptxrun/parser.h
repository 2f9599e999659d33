// PTX as a typed tree: what the text says, with registers, labels and variables resolved.
#pragma once
#include <array>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "types.h"

namespace ptxrun {

struct ParseError : std::runtime_error {
  ParseError(int line, const std::string& what)
      : std::runtime_error("PTX line " + std::to_string(line) + ": " + what) {}
};

struct Function;

struct Variable {
  std::string name;
  Space space = Space::global;
  Type type = Type::b8;
  uint64_t count = 1;  // elements; 0 for `extern .shared x[]`, whose size the launch gives
  uint32_t align = 0;  // bytes
  bool external = false;
  std::vector<uint8_t> initial;  // shorter than bytes(): the rest is zero
  struct Address {               // initial[at .. at+8) is the address of another variable
    uint64_t at;
    std::string name;
    int64_t offset;
  };
  std::vector<Address> addresses;
  uint64_t bytes() const { return count * uint64_t(size_of(type)); }
};

struct Operand {
  enum class Kind : uint8_t {
    none,
    reg,       // index: register of the function; `negated` for !%p
    special,   // name: %tid.x
    integer,   // bits
    float32,   // bits: an IEEE single (0f...)
    float64,   // bits: an IEEE double (0d... or a decimal)
    variable,  // variable, bits = offset
    function,  // function or, if null, an external name
    label,     // index: instruction of the function
    address,  // list[0] = base (reg, variable or integer), bits = offset; further list: coordinates
    list,     // {a, b, ...} or (a, b, ...)
    pair,     // d|p
    sink,     // _
  };
  Kind kind = Kind::none;
  bool negated = false;
  int index = -1;
  uint64_t bits = 0;
  std::string name;
  const Variable* variable = nullptr;
  const Function* function = nullptr;
  std::vector<Operand> list;
};

struct Instruction {
  int guard = -1;  // predicate register, or -1
  bool guard_negated = false;
  std::string opcode;              // ld.global.v4.f32
  std::vector<std::string> parts;  // ld, global, v4, f32
  std::vector<Operand> operands;
  int line = 0;                   // of the PTX
  int file = 0, source_line = 0;  // of the program, where -lineinfo was given
  std::string text;
};

struct Register {
  std::string name;
  Type type = Type::b32;
};

struct Function {
  std::string name;
  bool entry = false, defined = false;
  std::deque<Variable> params, returns, locals;  // locals: .local, .shared and .param of its body
  std::vector<Register> registers;
  std::vector<Instruction> code;
  std::array<uint32_t, 3> max_threads{}, required_threads{}, required_cluster{};  // 0: not given
  uint32_t min_blocks = 0, max_registers = 0;  // .minnctapersm, .maxnreg; 0: not given
};

struct Module {
  std::string target;  // sm_90a
  int version = 0;     // 90 for 9.0
  std::deque<Variable> variables;
  std::deque<Function> functions;
  std::unordered_map<int, std::string> files;  // by the index that .loc uses
  const Function* find(std::string_view name) const;
};

// Throws ParseError.
std::unique_ptr<Module> parse_ptx(const std::string& text);

}  // namespace ptxrun
