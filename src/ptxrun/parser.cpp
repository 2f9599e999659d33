#include "parser.h"

#include <bit>
#include <cctype>
#include <cstdlib>
#include <unordered_map>

#include "token_reader.h"

namespace ptxrun {
namespace {

// One lexical block of a function: { } inside a body opens one, for registers, labels and
// variables.
struct Scope {
  int parent = -1;
  std::unordered_map<std::string, int> registers;
  std::unordered_map<std::string, int> labels;  // to instruction index
  std::unordered_map<std::string, const Variable*> variables;
};

// An instruction and the scope its names are looked up in: labels may stand further down.
struct Pending {
  int instruction, scope;
};

class Parser : TokenReader {
 public:
  explicit Parser(const std::string& text) : TokenReader(text), module_(new Module) {}

  std::unique_ptr<Module> run() {
    while (!is_end()) top_level();
    for (Function& f : module_->functions) resolve_functions(f);
    return std::move(module_);
  }

 private:
  // ---- module level ----
  void top_level() {
    if (take(".version")) {
      const std::string v(next().text);
      module_->version = std::atoi(v.c_str()) * 10 + std::atoi(v.c_str() + v.find('.') + 1);
    } else if (take(".target")) {
      module_->target = word();
      while (take(",")) next();
    } else if (take(".address_size")) {
      if (integer() != 64) fail("only 64-bit PTX is read");
    } else if (is(".file")) {
      next();
      const int index = int(integer());
      module_->files[index] = std::string(peek().text);
      skip_line();
    } else if (is(".section")) {
      while (!is_end() && !take("}")) next();
    } else if (is(".pragma") || is(".alias")) {
      skip_statement();
    } else {
      declaration();
    }
  }

  void declaration() {
    bool external = false;
    while (peek().kind == Tok::directive) {
      if (take(".extern")) {
        external = true;
      } else if (take(".visible") || take(".weak") || take(".common")) {
      } else if (take(".entry")) {
        return function(true);
      } else if (take(".func")) {
        return function(false);
      } else {
        variables(module_->variables, external, nullptr);
        return;
      }
    }
    fail("expected a declaration");
  }

  // ---- variables ----
  static bool space_named(std::string_view t, Space& space) {
    if (t == ".global")
      space = Space::global;
    else if (t == ".const")
      space = Space::constant;
    else if (t == ".shared" || t == ".shared::cta")
      space = Space::shared;
    else if (t == ".local")
      space = Space::local;
    else if (t == ".param")
      space = Space::param;
    else
      return false;
    return true;
  }

  Variable variable_head() {
    Variable v;
    v.type = Type::none;
    int vector = 1;
    while (peek().kind == Tok::directive) {
      const std::string t(next().text);
      if (t == ".align") {
        v.align = uint32_t(integer());
      } else if (t == ".attribute") {
        while (!take(")")) next();
      } else if (t == ".v2" || t == ".v4") {
        vector = t[2] - '0';
      } else if (t == ".ptr") {  // .ptr .global .align 1 says what a pointer parameter points at
        Space ignored;
        if (space_named(peek().text, ignored)) next();
        if (take(".align")) integer();
      } else if (space_named(t, v.space)) {
      } else if (const Type type = type_named(std::string_view(t).substr(1)); type != Type::none) {
        v.type = type;
      } else {
        fail("unknown attribute " + t + " of a variable");
      }
    }
    if (v.type == Type::none) fail("a variable without a type");
    v.count = uint64_t(vector);
    return v;
  }
  void variable_name(Variable& v) {
    v.name = word();
    while (take("[")) {
      v.count *= is("]") ? 0 : uint64_t(integer());
      expect("]");
    }
    if (v.align == 0) v.align = uint32_t(std::max(1, size_of(v.type)));
  }
  void initializer(Variable& v, size_t& at) {
    const size_t size = size_t(size_of(v.type));
    if (take("{")) {
      while (!take("}")) {
        initializer(v, at);
        take(",");
      }
      return;
    }
    uint64_t bits = 0;
    if (peek().kind == Tok::word) {
      std::string name = word();
      const bool wrapped = name == "generic";
      if (wrapped) expect("("), name = word();
      int64_t offset = 0;
      if (take("+")) offset = integer();
      if (wrapped) expect(")");
      if (size != 8) fail("an address in an initialiser narrower than 64 bits");
      v.addresses.push_back({at, name, offset});
    } else {
      Operand o = number_operand();
      bits = o.bits;
      if (o.kind == Operand::Kind::float64 && v.type == Type::f32)
        bits = std::bit_cast<uint32_t>(float(std::bit_cast<double>(bits)));
    }
    v.initial.resize(at + size);
    for (size_t i = 0; i < size; ++i) v.initial[at + i] = uint8_t(bits >> 8 * i);
    at += size;
  }
  void variables(std::deque<Variable>& where, bool external, Scope* scope) {
    const Variable head = variable_head();
    do {
      Variable v = head;
      v.external = external;
      variable_name(v);
      size_t at = 0;
      if (take("=")) initializer(v, at);
      if (v.count == 0 && !external) v.count = v.initial.size() / size_t(size_of(v.type));
      where.push_back(std::move(v));
      if (scope) scope->variables[where.back().name] = &where.back();
    } while (take(","));
    expect(";");
  }

  // ---- functions ----
  void parameters(std::deque<Variable>& where, Scope& scope) {
    expect("(");
    while (!take(")")) {
      Variable v = variable_head();
      variable_name(v);
      where.push_back(std::move(v));
      scope.variables[where.back().name] = &where.back();
      take(",");
    }
  }
  void dimensions(std::array<uint32_t, 3>& d) {
    d = {1, 1, 1};
    for (uint32_t& x : d) {
      x = uint32_t(integer());
      if (!take(",")) return;
    }
  }
  void function(bool entry) {
    Function f;
    std::vector<Scope> scopes(1);
    if (is("(")) parameters(f.returns, scopes[0]);
    f.name = word();
    f.entry = entry;
    if (is("(")) parameters(f.params, scopes[0]);
    while (peek().kind == Tok::directive) {
      const std::string t(next().text);
      std::array<uint32_t, 3> ignored;
      if (t == ".maxntid")
        dimensions(f.max_threads);
      else if (t == ".reqntid")
        dimensions(f.required_threads);
      else if (t == ".reqnctapercluster")
        dimensions(f.required_cluster);
      else if (t == ".minnctapersm")
        f.min_blocks = uint32_t(integer());
      else if (t == ".maxnreg")
        f.max_registers = uint32_t(integer());
      else if (t == ".maxclusterrank")
        dimensions(ignored);
      else if (t == ".noreturn" || t == ".explicitcluster" || t == ".blocksareclusters")
        continue;
      else
        fail("unknown directive " + t + " of a function");
    }
    Function* known = nullptr;
    for (Function& g : module_->functions)
      if (g.name == f.name) known = &g;
    if (take(";")) {
      if (!known) module_->functions.push_back(std::move(f));
      return;
    }
    // Variables are referred to by address: the function must stand where it stays before its
    // scope is filled.
    if (!known) known = &module_->functions.emplace_back();
    *known = std::move(f);
    known->defined = true;
    scopes[0] = {};
    for (auto* list : {&known->params, &known->returns})
      for (const Variable& v : *list) scopes[0].variables[v.name] = &v;
    function_ = known;
    scopes_ = std::move(scopes);
    pending_.clear();
    file_ = line_ = 0;
    expect("{");
    body(0);
    resolve_labels();
  }

  void body(int scope) {
    while (!take("}")) {
      if (is_end()) fail("a function that does not end");
      statement(scope);
    }
  }

  void statement(int scope) {
    if (take(";")) return;
    if (take("{")) {
      scopes_.emplace_back();
      scopes_.back().parent = scope;
      return body(int(scopes_.size()) - 1);
    }
    if (is(".loc")) {
      next();
      file_ = int(integer());
      line_ = int(integer());
      while (!is_end() && !peek().starts_line) next();
      return;
    }
    if (is(".file") || is(".pragma")) return is(".file") ? skip_line() : skip_statement();
    if (is(".reg")) return registers(scope);
    if (is(".callprototype") || is(".branchtargets") || is(".calltargets")) return skip_statement();
    if (peek().kind == Tok::directive) {
      scopes_[size_t(scope)].variables.reserve(8);
      return variables(function_->locals, false, &scopes_[size_t(scope)]);
    }
    if (peek().kind == Tok::word && peek(1).text == ":") {
      scopes_[size_t(scope)].labels[word()] = int(function_->code.size());
      next();
      return;
    }
    instruction(scope);
  }

  void registers(int scope) {
    next();
    const Type type = type_named(next().text.substr(1));
    if (type == Type::none) fail("a register of unknown type");
    do {
      const std::string name = word();
      uint64_t count = 0;
      if (take("<")) {
        count = uint64_t(integer());
        expect(">");
      }
      auto& known = scopes_[size_t(scope)].registers;
      auto add = [&](const std::string& n) {
        known[n] = int(function_->registers.size());
        function_->registers.push_back({n, type});
      };
      if (count == 0) add(name);
      for (uint64_t i = 0; i < count; ++i) add(name + std::to_string(i));
    } while (take(","));
    expect(";");
  }

  // ---- instructions ----
  template <class Map>
  static auto look_up(const std::vector<Scope>& scopes, int scope, Map Scope::*map,
                      const std::string& name) -> const typename Map::mapped_type* {
    for (int s = scope; s >= 0; s = scopes[size_t(s)].parent) {
      const auto& m = scopes[size_t(s)].*map;
      if (auto it = m.find(name); it != m.end()) return &it->second;
    }
    return nullptr;
  }

  void instruction(int scope) {
    Instruction ins;
    ins.line = peek().line;
    ins.file = file_, ins.source_line = line_;
    const char* const begin = peek().text.data();
    if (take("@")) {
      ins.guard_negated = take("!");
      const std::string name = word();
      const int* reg = look_up(scopes_, scope, &Scope::registers, name);
      if (!reg) fail("unknown guard " + name);
      ins.guard = *reg;
    }
    ins.opcode = word();
    const char* end = previous().text.data() + previous().text.size();
    for (size_t b = 0; b <= ins.opcode.size();) {
      const size_t e = std::min(ins.opcode.find('.', b), ins.opcode.size());
      ins.parts.push_back(ins.opcode.substr(b, e - b));
      b = e + 1;
    }
    while (!is(";")) {
      if (is_end()) fail("an instruction that does not end");
      ins.operands.push_back(operand(scope));
      end = previous().text.data() + previous().text.size();
      if (!take(",") && !is(";")) fail("unexpected text in an instruction");
    }
    next();
    for (const char* c = begin; c < end; ++c)  // one line, single spaces
      if (!std::isspace(uint8_t(*c)))
        ins.text += *c;
      else if (!ins.text.empty() && ins.text.back() != ' ')
        ins.text += ' ';
    pending_.push_back({int(function_->code.size()), scope});
    function_->code.push_back(std::move(ins));
  }

  Operand number_operand() {
    Operand o;
    const bool minus = take("-");
    if (peek().kind != Tok::number) fail("expected an operand");
    const std::string t(next().text);
    const char tag = t.size() > 2 && t[0] == '0' ? char(std::tolower(t[1])) : '\0';
    if (tag == 'f' || tag == 'd') {
      o.kind = tag == 'f' ? Operand::Kind::float32 : Operand::Kind::float64;
      o.bits = std::strtoull(t.c_str() + 2, nullptr, 16);
      if (minus) o.bits ^= tag == 'f' ? 1ull << 31 : 1ull << 63;
    } else if (tag != 'x' && t.find_first_of(".eE") != t.npos) {
      o.kind = Operand::Kind::float64;
      o.bits = std::bit_cast<uint64_t>(minus ? -std::strtod(t.c_str(), nullptr)
                                             : std::strtod(t.c_str(), nullptr));
    } else {
      o.kind = Operand::Kind::integer;
      const uint64_t v = tag == 'b' ? std::strtoull(t.c_str() + 2, nullptr, 2)
                                    : std::strtoull(t.c_str(), nullptr, 0);
      o.bits = minus ? 0 - v : v;
    }
    return o;
  }

  Operand named(int scope) {
    Operand o;
    o.name = word();
    if (o.name == "_") {
      o.kind = Operand::Kind::sink;
    } else if (const int* reg = look_up(scopes_, scope, &Scope::registers, o.name)) {
      o.kind = Operand::Kind::reg;
      o.index = *reg;
    } else if (o.name[0] == '%' || o.name == "WARP_SZ") {
      o.kind = Operand::Kind::special;
    } else if (const auto* v = look_up(scopes_, scope, &Scope::variables, o.name)) {
      o.kind = Operand::Kind::variable;
      o.variable = *v;
    } else {
      o.kind = Operand::Kind::label;  // or a module variable or a function: known at the end
    }
    return o;
  }

  Operand list(int scope, std::string_view close) {
    Operand o;
    o.kind = Operand::Kind::list;
    while (!take(close)) {
      o.list.push_back(operand(scope));
      if (!take(",") && !is(close)) fail("unexpected text in a list of operands");
    }
    return o;
  }

  Operand operand(int scope) {
    if (take("{")) return list(scope, "}");
    if (take("(")) return list(scope, ")");
    if (take("[")) {
      Operand o = list(scope, "]");
      o.kind = Operand::Kind::address;
      if (o.list.empty()) fail("an empty address");
      // base+offset was read as the base's own offset
      o.bits = o.list[0].bits;
      if (o.list[0].kind == Operand::Kind::integer) o.list[0].bits = 0;
      return o;
    }
    if (take("!")) {
      Operand o = named(scope);
      o.negated = true;
      return o;
    }
    if (peek().kind == Tok::number || is("-")) return number_operand();
    Operand o = named(scope);
    if (take("|")) {
      Operand both;
      both.kind = Operand::Kind::pair;
      both.list = {o, named(scope)};
      return both;
    }
    if (take("+")) o.bits = uint64_t(integer());
    return o;
  }

  // ---- names that are known only at the end ----
  void resolve_labels() {
    for (const Pending& p : pending_)
      for (Operand& o : function_->code[size_t(p.instruction)].operands) resolve_label(o, p.scope);
  }
  void resolve_label(Operand& o, int scope) {
    if (o.kind == Operand::Kind::label)
      if (const int* at = look_up(scopes_, scope, &Scope::labels, o.name)) o.index = *at;
    for (Operand& x : o.list) resolve_label(x, scope);
  }
  void resolve_functions(Function& f) {
    for (Instruction& ins : f.code)
      for (Operand& o : ins.operands) resolve_global(o, ins);
  }
  void resolve_global(Operand& o, const Instruction& ins) {
    for (Operand& x : o.list) resolve_global(x, ins);
    if (o.kind != Operand::Kind::label || o.index >= 0) return;
    for (const Variable& v : module_->variables)
      if (v.name == o.name) {
        o.kind = Operand::Kind::variable;
        o.variable = &v;
        return;
      }
    for (const Function& g : module_->functions)
      if (g.name == o.name) {
        o.kind = Operand::Kind::function;
        o.function = &g;
        return;
      }
    if (ins.parts[0] == "call")
      return;  // a prototype, or a function nobody defines: the binder says so
    throw ParseError(ins.line, "unknown name " + o.name);
  }

  std::unique_ptr<Module> module_;
  Function* function_ = nullptr;
  std::vector<Scope> scopes_;
  std::vector<Pending> pending_;
  int file_ = 0, line_ = 0;
};

}  // namespace

const Function* Module::find(std::string_view name) const {
  for (const Function& f : functions)
    if (f.name == name) return &f;
  return nullptr;
}

std::unique_ptr<Module> parse_ptx(const std::string& text) { return Parser(text).run(); }

}  // namespace ptxrun
