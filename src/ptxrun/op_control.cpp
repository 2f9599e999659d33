// Branches, calls, barriers, fences and ends.
#include "bind.h"
#include "call.h"
#include "check.h"
#include "op_cluster.h"
#include "registers.h"

namespace ptxrun {
namespace {

void nothing(Warp&, const Op&, uint32_t) {}

void bind_bra(Binder& b, Form& form, Op& op) {
  form.take("uni");
  const Operand& to = b.operand(0);
  if (to.kind != Operand::Kind::label || to.index < 0) throw Unsupported("branch target");
  op.target = uint32_t(to.index);  // of the function; the binder adds where the function starts
  op.flow = Flow::branch, op.run = nothing;
}
void bind_ret(Binder& b, Form& form, Op& op) {
  form.take("uni");
  op.flow = b.ins().parts[0] == "ret" ? Flow::give_back : Flow::leave;
  op.run = nothing;
}

[[noreturn]] void trap(Warp&, const Op&, uint32_t mask) {
  throw Fault{FaultKind::trap, "the kernel executed trap", mask};
}
void bind_trap(Binder&, Form&, Op& op) { op.run = trap; }
void bind_nothing(Binder&, Form&, Op& op) { op.run = nothing; }
void bind_nanosleep(Binder& b, Form& form, Op& op) {
  form.type();
  b.in(op, 0, b.operand(0), Type::u32);
  // Sleeping is giving others a turn.
  op.run = [](Warp& w, const Op&, uint32_t) { w.stalled = true; };
}

// bar and barrier: a[0] = id, a[1] = thread count if mode[1]. mode[0]: 0 sync, 1 arrive, 2 red;
// mode[2]: 0 popc, 1 and, 2 or; a[2] = result, a[3] = predicate; mode[3]: aligned.
void bind_barrier(Binder& b, Form& form, Op& op) {
  const bool is_bar = b.ins().parts[0] == "bar";
  if (form.take("warp")) {
    if (!form.take("sync")) throw Unsupported("form");
    b.in(op, 5, b.operand(0), Type::b32);
    op.run = [](Warp& w, const Op&, uint32_t lanes) {
      if (Checker* c = w.block->launch->checker.get()) c->warp_barrier(w, lanes);
    };
    op.flow = Flow::collective, op.is_warp_barrier = true;
    return;
  }
  if (form.take("cluster")) return bind_cluster_barrier(b, form, op);
  form.take("cta");
  size_t next = 0;
  op.flow = Flow::barrier, op.run = nothing;
  if (form.take("sync")) {
    op.mode[0] = 0;
  } else if (form.take("arrive")) {
    op.mode[0] = 1;
  } else if (form.take("red")) {
    op.mode[0] = 2;
    op.mode[2] = form.take("popc") ? 0 : form.take("and") ? 1 : form.take("or") ? 2 : -1;
    if (op.mode[2] < 0) throw Unsupported("reduction");
    b.out(op, 2, b.operand(0), form.type());
    next = 1;
  } else {
    throw Unsupported("form");
  }
  op.mode[3] = form.take("aligned") || is_bar;
  b.in(op, 0, b.operand(next), Type::u32);
  const size_t left = b.operands() - next - 1 - (op.mode[0] == 2 ? 1 : 0);
  op.mode[1] = left == 1;
  if (op.mode[1]) b.in(op, 1, b.operand(next + 1), Type::u32);
  if (op.mode[0] == 2) b.in_pred(op, 3, b.operand(b.operands() - 1));
}

// Memory is sequentially consistent here; what a fence orders, the race checker keeps. mode[0]: of
// the asynchronous proxy.
void bind_fence(Binder&, Form& form, Op& op) {
  if (form.take("proxy")) {
    // The kinds of generic addresses that name one byte twice, and constant and tensor-map caches,
    // have nothing to be kept apart here.
    const bool proxy = form.take("async") || form.take("async::generic");
    form.take_any({"alias", "global", "shared::cta", "shared::cluster", "acquire", "release", "cta",
                   "cluster", "gpu", "sys", "sync_restrict::shared::cta",
                   "sync_restrict::shared::cluster"});
    form.take("tensormap::generic");
    op.run = nothing;
    if (proxy)
      op.run = [](Warp& w, const Op&, uint32_t) {
        if (Checker* c = w.block->launch->checker.get()) c->proxy_fence(w);
      };
    return;
  }
  form.take_any({"sc", "acq_rel", "acquire", "release", "cta", "cluster", "gpu", "gl", "sys",
                 "mbarrier_init", "sync_restrict::shared::cta", "sync_restrict::shared::cluster"});
  op.run = [](Warp& w, const Op&, uint32_t) {
    if (Checker* c = w.block->launch->checker.get()) c->fence(w);
  };
}

// Launches of a stream run one after another here: what this waits for is done.
void bind_dependency(Binder&, Form& form, Op& op) {
  if (!form.take("wait") && !form.take("launch_dependents")) throw Unsupported("form");
  op.run = nothing;
}
// op.imm: registers a thread from now on; op.mode[0]: more than before. The first ones come from
// the bounds of the kernel; without these ptxas ignores the instruction.
void set_registers(Warp& w, const Op& op, uint32_t mask) {
  const uint32_t start = w.block->launch->kernel->pool_registers, now = w.held ? w.held : start;
  const uint32_t wanted = uint32_t(op.imm);
  if (!start) return;
  if (op.mode[0] ? wanted < now : wanted > now)
    throw Fault{FaultKind::misuse,
                std::string("setmaxnreg.") + (op.mode[0] ? "inc" : "dec") + " to " +
                    std::to_string(wanted) + " registers of a warp that has " + std::to_string(now),
                mask};
  if (op.mode[0] && int64_t(wanted) - int64_t(now) > free_registers(*w.block)) {
    w.again = true;
    return;
  }
  w.held = wanted;
  ++w.block->launch->progress;
}
void bind_registers(Binder& b, Form& form, Op& op) {
  op.mode[0] = form.take("inc");
  if (!op.mode[0] && !form.take("dec")) throw Unsupported("form");
  form.take_any({"sync", "aligned", "u32"});
  const Operand& n = b.operand(0);
  if (n.kind != Operand::Kind::integer || n.bits < 24 || n.bits > 256 || n.bits % 8)
    throw Unsupported("number of registers: allowed are multiples of 8 from 24 to 256");
  op.imm = int64_t(n.bits);
  b.collective_all(op);
  op.run = set_registers;
}

void bind_call(Binder& b, Form& form, Op& op) {
  form.take("uni");
  const Operand* function = nullptr;
  const Operand *results = nullptr, *arguments = nullptr;
  for (size_t k = 0; k < b.operands(); ++k) {
    const Operand& o = b.operand(k);
    if (o.kind == Operand::Kind::list)
      (function ? arguments : results) = &o;
    else
      function = &o;
  }
  if (!function || function->kind != Operand::Kind::function)
    throw Unsupported("call through a pointer or of a function that the program does not define");
  const Function& f = *function->function;
  op.function = &f;
  if (!f.defined) {
    op.run = builtin_named(f.name);
    if (!op.run) throw Unsupported("call of " + f.name + ", which this executor does not have");
    for (const Operand* list : {arguments, results})
      if (list)
        for (const Operand& o : list->list) op.list.push_back({b.param(o.variable).at, 0});
    return;
  }
  // Three entries an argument: where the caller's bytes are, where the callee's, how many.
  auto pass = [&](const Operand* list, const std::deque<Variable>& formal) {
    if ((list ? list->list.size() : 0) != formal.size()) throw Unsupported("number of arguments");
    for (size_t k = 0; k < formal.size(); ++k) {
      if (list->list[k].kind != Operand::Kind::variable)
        throw Unsupported("argument in a register");
      const auto actual = b.param(list->list[k].variable), inside = b.param(&formal[k]);
      if (actual.bytes != inside.bytes) throw Unsupported("size of an argument");
      op.list.push_back({actual.at, 0}), op.list.push_back({inside.at, 0});
      op.list.push_back({actual.bytes, 0});
    }
  };
  pass(arguments, f.params);
  op.mode[0] = int(op.list.size());
  pass(results, f.returns);
  b.call(&f);
  op.flow = Flow::call;
  op.run = copy_arguments;
}

constexpr OpcodeRow kRows[] = {
    {"bra", bind_bra},
    {"ret", bind_ret},
    {"exit", bind_ret},
    {"trap", bind_trap},
    {"brkpt", bind_nothing},
    {"pmevent", bind_nothing},
    {"nanosleep", bind_nanosleep},
    {"bar", bind_barrier},
    {"barrier", bind_barrier},
    {"griddepcontrol", bind_dependency},
    {"setmaxnreg", bind_registers},
    {"membar", bind_fence},
    {"fence", bind_fence},
    {"call", bind_call},
};

}  // namespace

std::span<const OpcodeRow> control_opcodes() { return kRows; }

}  // namespace ptxrun
