// For tests: which variant an op takes on machines that nobody here owns. Selection is a pure
// function of data, and so all can be asked about.
#pragma once
#include <vector>

#include "nibble/base/op.h"

namespace nibble {

// As if every variant had been proven there.
template <class Op>
std::string_view chosen(const typename Op::Args& a, IsaSet isas,
                        MicroArch uarch = MicroArch::unknown) {
  std::vector<Proof> all;
  for (const auto& v : Op::variants()) all.push_back({Op::name, v.name, Level::proven, "x"});
  Machine machine;
  machine.isas = isas, machine.uarch = uarch;
  const auto* v = select<Op>(a, machine, all);
  return v ? v->name : "none";
}

// A table is asked in turn: `best` where there is all that it needs, avx2 where that is missing, or
// avx_vnni where the table and the machine have it, portable elsewhere. It is alone in a build for
// another architecture than x86.
template <class Op>
bool chooses_by_isa(const typename Op::Args& a, std::string_view best = "avx512_vnni",
                    IsaSet needs = Isa::avx512 | Isa::vnni) {
  const auto on = [&](IsaSet isas, std::string_view wanted) {
    return chosen<Op>(a, isas) == (Op::variants().size() > 1 ? wanted : "portable");
  };
  bool has_avx_vnni = false;
  for (const auto& v : Op::variants()) has_avx_vnni |= v.name == "avx_vnni";
  return on(Isa::portable, "portable") && on(Isa::avx2, "avx2") && on(needs, best) &&
         on(Isa::avx_vnni, has_avx_vnni ? "avx_vnni" : "avx2") && on(needs | Isa::avx_vnni, best) &&
         (needs == IsaSet(Isa::avx512) || on(Isa::avx512, "avx2"));
}

}  // namespace nibble
