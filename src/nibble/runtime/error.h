// Errors above the ops: one sentence that says what was wrong and what is allowed.
#pragma once
#include <stdexcept>
#include <string>

#include "nibble/base/status.h"

namespace nibble {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline void throw_if(const Status& s) {
  if (!s.ok()) throw Error(s.why());
}

}  // namespace nibble
