// The part of cvt that converts pairs of narrow numbers.
#pragma once
#include "bind.h"
#include "number.h"

namespace ptxrun {

bool is_packed(Type type);
void bind_packed_cvt(Binder& binder, Form& form, Op& op, Round mode, Type to, Type from);

}  // namespace ptxrun
