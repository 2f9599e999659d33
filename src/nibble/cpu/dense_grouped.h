// Products of groups of tokens with a whole matrix each, for variants of grouped ops: those of
// dense.h, one after another or a task each.
#pragma once
#include "nibble/cpu/dense.h"
#include "nibble/cpu/groups.h"

namespace nibble::cpu {
namespace {

template <class Kernel, class Args>
void dense_grouped(const Args& a, const Exec& e) {
  each_group(a, 0, dense_row_bytes(a.k, Kernel::kLayout), e,
             [](const Args& one, const Exec& here) { dense<Kernel>(one, here); });
}

}  // namespace
}  // namespace nibble::cpu
