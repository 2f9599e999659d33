// The same as products, in double, from what a checkpoint decodes to.
#pragma once
#include <vector>

#include "nibble/runtime/quantised.h"

namespace nibble::app {

using Doubles = std::vector<double>;

// [tokens][rows] of w times x, [tokens][cols].
Doubles sums(const QuantisedWeight& w, const Doubles& x, const Machine&, Pool*);
Doubles sums(const SourceTensor& w, const Doubles& x, Pool*);

}  // namespace nibble::app
