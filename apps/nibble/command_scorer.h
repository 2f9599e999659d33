// A program as a fitness. It is started once, by /bin/sh -c, and asked text after text:
//
//   to its standard input      a line with the number of bytes of a text, then these bytes
//   from its standard output   a line with a number, greater is better, flushed
//
// until its input ends. Its standard error is left alone.
#pragma once
#include <string>

#include "nibble/train/scored_learner.h"

namespace nibble::app {

// Throws nibble::Error if the program ends, answers anything but a number, or is silent for
// `patience` seconds. Ends the program when the last copy is gone.
train::Scorer command_scorer(const std::string& command, double patience = 60);

}  // namespace nibble::app
