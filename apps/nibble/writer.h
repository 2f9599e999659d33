// A trained run as a writer of text: the recurrent form of its model, fed byte by byte.
#pragma once
#include <memory>
#include <string>

#include "nibble/engine/sampling.h"
#include "nibble/models/efla_lm/generator.h"
#include "nibble/train/run.h"

namespace nibble::app {

class Writer {
 public:
  Writer(const train::Run&, int64_t step, const Machine&);

  void read(const std::string& prompt);  // not empty
  uint8_t write(engine::Sampler&);       // after read()

 private:
  train::Alphabet alphabet_;
  train::OwnedTensors weights_;
  std::unique_ptr<efla_lm::Generator> generator_;
  std::span<const float> logits_;
};

}  // namespace nibble::app
