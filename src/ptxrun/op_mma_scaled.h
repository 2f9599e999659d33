// The kinds of mma.sync that have a name.
#pragma once
#include "bind.h"

namespace ptxrun {

void bind_scaled_mma(Binder& binder, Form& form, Op& op, const std::string& shape);

}  // namespace ptxrun
