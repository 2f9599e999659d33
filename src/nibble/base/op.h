// What every op has in common: arguments described as buffers, a table of variants, a choice.
// No SIMD, CUDA or OS header may be included here.
#pragma once
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "nibble/base/machine.h"
#include "nibble/base/parallel.h"
#include "nibble/base/proof.h"
#include "nibble/base/status.h"

namespace nibble {

// Where an op runs. A null pool is one thread; stream is a cudaStream_t and unused on the CPU.
struct Exec {
  Pool* pool = nullptr;
  void* stream = nullptr;
};

// One implementation of an op for one ISA. A row of the op's table is the whole registration.
template <class Args>
struct Variant {
  std::string_view name;  // "<isa>[_<trait>]"; its code is cpu_<name>.cpp or cuda_<name>.cu
  IsaSet needs;
  // Why not, or empty: limits beyond the contract.
  std::string_view (*takes)(const Args&) = [](const Args&) { return std::string_view(); };
  // Predicted microseconds on one thread; the least cost wins, the earlier row on a tie.
  double (*cost)(const Args&, const Machine&);
  void (*run)(const Args&, const Exec&);
};

enum class DType : uint8_t {
  f64,
  f32,
  fp16,
  bf16,
  e4m3,
  e5m2,
  ue8m0,
  i64,
  i32,
  i16,
  i8,
  u64,
  u32,
  u16,
  u8
};
constexpr int bytes_of(DType t) {
  switch (t) {
    case DType::f64:
    case DType::i64:
    case DType::u64:
      return 8;
    case DType::f32:
    case DType::i32:
    case DType::u32:
      return 4;
    case DType::fp16:
    case DType::bf16:
    case DType::i16:
    case DType::u16:
      return 2;
    default:
      return 1;
  }
}
// Formats of numerics/ specialise this beside their type.
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<int16_t> {
  static constexpr DType value = DType::i16;
};
template <>
struct DTypeOf<int8_t> {
  static constexpr DType value = DType::i8;
};
template <>
struct DTypeOf<uint64_t> {
  static constexpr DType value = DType::u64;
};
template <>
struct DTypeOf<uint32_t> {
  static constexpr DType value = DType::u32;
};
template <>
struct DTypeOf<uint16_t> {
  static constexpr DType value = DType::u16;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::u8;
};

enum class Role : uint8_t { in, out, inout, workspace };

// Sees every pointer of an Args with its element count. The harness allocates, guards, poisons,
// hashes and copies back with it; runtime allocates workspaces with it. An absent optional buffer
// has count 0 and is left null.
//
// `align` is what the contract asks of the address, in bytes, a power of two; without it a buffer
// may start at any multiple of its element size, and the harness makes sure that it does.
class BufferVisitor {
 public:
  virtual ~BufferVisitor() = default;
  template <class T>
  void in(std::string_view name, const T*& p, int64_t count, int align = sizeof(T)) {
    p = static_cast<const T*>(visit(name, Role::in, count, align, const_cast<T*>(p)));
  }
  template <class T>
  void out(std::string_view name, T*& p, int64_t count, int align = sizeof(T)) {
    p = static_cast<T*>(visit(name, Role::out, count, align, p));
  }
  template <class T>
  void inout(std::string_view name, T*& p, int64_t count, int align = sizeof(T)) {
    p = static_cast<T*>(visit(name, Role::inout, count, align, p));
  }
  template <class T>
  void workspace(std::string_view name, T*& p, int64_t count, int align = sizeof(T)) {
    p = static_cast<T*>(visit(name, Role::workspace, count, align, p));
  }

 private:
  template <class T>
  void* visit(std::string_view name, Role role, int64_t count, int align, T* now) {
    return buffer(name, role, DTypeOf<T>::value, count, align, now);
  }
  // Returns the pointer that Args shall hold from now on; `now` is what it holds.
  virtual void* buffer(std::string_view name, Role, DType, int64_t count, int align, void* now) = 0;
};

// How far an element may be from the reference. All zero: bit for bit. Floats pass within
// abs + rel * |want|; integers within `codes` steps (a value that sits on a rounding boundary when
// the reference is computed in double).
struct Tolerance {
  double abs = 0, rel = 0;
  int codes = 0;
};

// The arithmetic that an op's operations are made of on a machine that has it: which compute roof
// the bench holds a variant against. none: it moves data. unstated: held against the highest roof.
enum class Arithmetic : uint8_t { unstated, none, int8, fp32, bf16, fp16 };

// Of the op, not of an implementation: operations (a multiply-add is 2) and least bytes moved.
struct Work {
  int64_t ops = 0, bytes = 0;
  Arithmetic arithmetic = Arithmetic::unstated;
};

template <class Op>
concept OpContract = requires(const typename Op::Args& a, typename Op::Args& m, BufferVisitor& v) {
  { Op::name } -> std::convertible_to<std::string_view>;
  { Op::check(a) } -> std::same_as<Status>;     // the only validation
  { Op::buffers(m, v) } -> std::same_as<void>;  // shapes must have passed check_shape
  { Op::reference(a) } -> std::same_as<void>;   // slow, obvious, in double
  { Op::variants() } -> std::same_as<std::span<const Variant<typename Op::Args>>>;
  { Op::tolerance(a) } -> std::same_as<Tolerance>;
  { Op::work(a) } -> std::same_as<Work>;
  requires std::is_trivially_copyable_v<typename Op::Args>;
};

// Why a variant is not eligible here, or empty. A pure function of data.
template <class Args>
std::string refusal(std::string_view op, const Variant<Args>& v, const Args& a, const Machine& m,
                    std::span<const Proof> proofs) {
  if (!m.has(v.needs)) return "the machine lacks " + to_string(v.needs - m.isas);
  if (const std::string_view why = v.takes(a); !why.empty()) return std::string(why);
  if (level_of(op, v.name, proofs) < Level::executed)
    return "never proven: run scripts/prove.sh, which records that these sources agree with the "
           "reference";
  return {};
}

// The eligible variant of least cost, or null.
template <OpContract Op>
const Variant<typename Op::Args>* select(const typename Op::Args& a, const Machine& m,
                                         std::span<const Proof> proofs = compiled_proofs()) {
  const Variant<typename Op::Args>* best = nullptr;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& v : Op::variants()) {
    if (!refusal(Op::name, v, a, m, proofs).empty()) continue;
    if (const double c = v.cost(a, m); c < least) least = c, best = &v;
  }
  return best;
}

// "no variant of gemm_s8 can run: avx2: ...; portable: ..."
template <OpContract Op>
std::string no_match(const typename Op::Args& a, const Machine& m,
                     std::span<const Proof> proofs = compiled_proofs()) {
  std::string s = "no variant of " + std::string(Op::name) + " can run";
  const char* sep = ": ";
  for (const auto& v : Op::variants()) {
    s += sep + std::string(v.name) + " (" + refusal(Op::name, v, a, m, proofs) + ")";
    sep = ", ";
  }
  return s;
}

// Check, choose and run in one call. Hot loops keep the result of select() instead.
template <OpContract Op>
Status run(const typename Op::Args& a, const Machine& m, const Exec& e = {}) {
  if (Status s = Op::check(a); !s.ok()) return s;
  const auto* v = select<Op>(a, m);
  if (!v) return Status::error(no_match<Op>(a, m));
  v->run(a, e);
  return {};
}

}  // namespace nibble
