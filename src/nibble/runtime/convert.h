// Changes how a quantised checkpoint names and keeps its parts, and nothing of what they mean:
// codes and block scales stay the same bytes.
//
// Two things are not renamed but converted, where that loses nothing. Scales widen (bf16 or ue8m0
// to float), which is exact. The tensor scale of NVFP4 multiplies in one layout and divides in
// another: its reciprocal is taken if the reciprocal of that gives it back; if not, conversion is
// refused, or the nearest is taken and counted where the caller allows it.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "nibble/runtime/quantise.h"
#include "nibble/runtime/quantised.h"

namespace nibble {

struct ConvertOptions {
  Layout layout = Layout::plain;
  bool round_scales = false;  // allow a tensor scale that cannot be converted back exactly
};

struct ConvertReport {
  int64_t weights = 0, renamed = 0, copied = 0;  // quantised; of them in another layout; others
  int64_t rounded = 0;                           // tensor scales
};

// Throws if a format has no names in the layout; nothing is left behind then.
ConvertReport convert(const Source&, const std::filesystem::path& out, const ConvertOptions&,
                      const std::function<void(const QuantiseProgress&)>& = {});

// A float whose reciprocal is s, if there is one; else 1 / s. Says which.
bool exact_reciprocal(float s, float& reciprocal);

}  // namespace nibble
