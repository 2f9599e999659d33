// `nibble bench train`: whole updates of the trainer, as a share of the integer roof.
#pragma once
#include <string>
#include <vector>

namespace nibble::app {

struct TrainBench {
  std::string case_name = "small";  // default, small, or a recipe's name or file
  std::vector<std::string> set;     // fields of the recipe
  int threads = 1;
  double seconds = 4;
  bool json = false;
};

int bench_train(const TrainBench&);

}  // namespace nibble::app
