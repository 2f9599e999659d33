// Generation a token at a time: the model's recurrent form, with O(1) state.
#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "nibble/base/machine.h"
#include "nibble/models/efla_lm/config.h"
#include "nibble/runtime/state_tensor.h"

namespace nibble::efla_lm {

class Generator {
 public:
  virtual ~Generator() = default;
  virtual void reset() = 0;
  // Feeds a symbol and returns the logits of the next one, `symbols` long, valid until the next
  // call.
  virtual std::span<const float> feed(uint8_t symbol) = 0;
};

// `weights` holds "embedding.weight" if it is fixed, "head.bias" and the shadow of every matrix, as
// a learner's state does.
std::unique_ptr<Generator> make_generator(const Config&, int symbols,
                                          std::span<const StateTensor> weights, const Machine&);

}  // namespace nibble::efla_lm
