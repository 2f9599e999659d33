// Runs PTX text inside the test process: no compiler, no program, no runtime.
#pragma once
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "ptxrun/bind.h"
#include "ptxrun/memory.h"
#include "ptxrun/parser.h"
#include "ptxrun/random.h"
#include "ptxrun/report.h"

namespace ptxrun {

struct Gpu {
  Options options;
  Report report{options};
  Memory memory;

  template <class T>
  uint64_t put(const std::vector<T>& v) {
    const Allocation* a = memory.allocate(v.size() * sizeof(T), Allocation::Kind::device);
    std::memcpy(a->data, v.data(), v.size() * sizeof(T));
    return a->base;
  }
  template <class T>
  std::vector<T> get(uint64_t base, size_t n) {
    std::vector<T> v(n);
    std::memcpy(v.data(), memory.find(base, n * sizeof(T))->data, n * sizeof(T));
    return v;
  }
  // Launches the module's only kernel; its parameters are all .u64. False after a fault.
  bool run(const std::string& body_or_module, const std::vector<uint64_t>& params, Dim3 grid,
           Dim3 block, uint32_t shared = 0, Dim3 cluster = {}) {
    module_ = parse_ptx(body_or_module);
    const Function* entry = nullptr;
    for (const Function& f : module_->functions)
      if (f.entry) entry = &f;
    kernel = bind_kernel(*module_, *entry, symbols, memory);
    EXPECT_TRUE(kernel->unknown.empty()) << kernel->unknown[0];
    if (!kernel->unknown.empty()) return false;
    Launch launch;
    launch.kernel = kernel.get(), launch.grid = grid, launch.block = block;
    launch.dynamic_shared = shared, launch.cluster = cluster, launch.memory = &memory,
    launch.report = &report;
    launch.params.resize(kernel->param_bytes);
    std::memcpy(launch.params.data(), params.data(), params.size() * 8);
    const bool good = execute(launch);
    steps = launch.steps;
    return good;
  }
  uint64_t steps = 0;
  Symbols symbols;
  std::unique_ptr<Kernel> kernel;

 private:
  std::unique_ptr<Module> module_;
};

inline std::string module_of(const std::string& params, const std::string& body) {
  return ".version 9.0\n.target sm_90a\n.address_size 64\n.visible .entry k(" + params + ")\n{\n" +
         body + "\n}\n";
}

inline std::string bits_of(size_t bytes) { return "b" + std::to_string(8 * bytes); }

// d[i] = INSTRUCTION(a[i], b[i], c[i]) for every i: registers %d, %a, %b, %c, scratch %x (b32) and
// %p (predicates p0..p3).
template <class D, class A, class B = uint32_t, class C = uint32_t>
std::vector<D> apply(const std::string& instruction, std::vector<A> a, std::vector<B> b = {},
                     std::vector<C> c = {}) {
  const size_t n = a.size();
  b.resize(n), c.resize(n);
  auto element = [](const char* r, const char* base, size_t bytes) {
    return std::string("mad.wide.u32 %q, %i, ") + std::to_string(bytes) + ", " + base +
           ";\nld.global." + bits_of(bytes) + " " + r + ", [%q];\n";
  };
  const std::string reg = std::string(".reg .") + (sizeof(A) == 1 ? "b16" : bits_of(sizeof(A))) +
                          " %a;\n.reg ." + (sizeof(B) == 1 ? "b16" : bits_of(sizeof(B))) +
                          " %b;\n.reg ." + (sizeof(C) == 1 ? "b16" : bits_of(sizeof(C))) +
                          " %c;\n.reg ." + (sizeof(D) == 1 ? "b16" : bits_of(sizeof(D))) + " %d;\n";
  const std::string text = module_of(
      ".param .u64 pa, .param .u64 pb, .param .u64 pc, .param .u64 pd, .param .u64 pn",
      ".reg .b64 %q, %qa, %qb, %qc, %qd, %n;\n.reg .b32 %i, %j, %t, %x;\n.reg .pred p<4>, %out;\n" +
          reg +
          "ld.param.u64 %qa, [pa];\nld.param.u64 %qb, [pb];\nld.param.u64 %qc, [pc];\n"
          "ld.param.u64 %qd, [pd];\nld.param.u64 %n, [pn];\nmov.u32 %i, %ctaid.x;\nmov.u32 %j, "
          "%ntid.x;\n"
          "mov.u32 %t, %tid.x;\nmad.lo.u32 %i, %i, %j, %t;\ncvt.u64.u32 %q, %i;\nsetp.ge.u64 %out, "
          "%q, %n;\n"
          "@%out ret;\n" +
          element("%a", "%qa", sizeof(A)) + element("%b", "%qb", sizeof(B)) +
          element("%c", "%qc", sizeof(C)) + instruction + "\nmad.wide.u32 %q, %i, " +
          std::to_string(sizeof(D)) + ", %qd;\nst.global." + bits_of(sizeof(D)) +
          " [%q], %d;\nret;\n");
  Gpu gpu;
  const uint64_t d = gpu.put(std::vector<D>(n));
  EXPECT_TRUE(
      gpu.run(text, {gpu.put(a), gpu.put(b), gpu.put(c), d, n}, {uint32_t((n + 127) / 128)}, {128}))
      << instruction;
  return gpu.get<D>(d, n);
}

// Values at which integers and floats go wrong, and random ones.
template <class T>
std::vector<T> samples(size_t random, uint64_t seed) {
  std::vector<T> v;
  const uint64_t one = 1;
  for (int k = 0; k < int(8 * sizeof(T)); ++k)
    for (int64_t o : {-1, 0, 1}) v.push_back(T((one << k) + uint64_t(o)));
  v.push_back(T(0)), v.push_back(T(~one + 1));
  Random r(seed);
  for (size_t k = 0; k < random; ++k) v.push_back(T(r.next() >> (r.next() % (8 * sizeof(T)))));
  return v;
}
// Every pair of two lists.
template <class T>
std::pair<std::vector<T>, std::vector<T>> pairs(const std::vector<T>& x, const std::vector<T>& y) {
  std::pair<std::vector<T>, std::vector<T>> r;
  for (T a : x)
    for (T b : y) r.first.push_back(a), r.second.push_back(b);
  return r;
}

}  // namespace ptxrun
