// Feed-forward layers of a checkpoint, for `nibble multiply --layers`.
#pragma once
#include "products.h"

namespace nibble::app {

// As products(), which it is a part of.
std::vector<Product> layer_products(const PackedWeights&, const Recognised&, const ProductOptions&,
                                    const Machine&, Pool*);

}  // namespace nibble::app
