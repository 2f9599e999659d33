// Curves on axes, as SVG.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace nibble::app {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;  // ascending x
};
struct Level {  // a horizontal line to compare with
  std::string name;
  double y = 0;
  std::string figure = {};  // beside the name; empty: y with three decimals
};
struct Mark {  // a dot with its name beside it
  std::string name;
  double x = 0, y = 0;
  int colour = 0;
};
struct Plot {
  std::string title, x_label, y_label;
  bool log_x = true;  // points at x <= 0 are then left out
  bool log_y = false;
  std::vector<Curve> curves;
  std::vector<Level> levels;
  std::vector<Mark> marks;
};

std::string svg(const Plot&);
std::string escape_xml(const std::string&);

// Round numbers in [low, high], `about` of them: 1, 2 or 5 times a power of ten apart.
std::vector<double> linear_ticks(double low, double high, int about);
// Powers of ten in [low, high], with 2 and 5 between them while those stay few.
std::vector<double> log_ticks(double low, double high);

}  // namespace nibble::app
