#include "plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace nibble::app {
namespace {

constexpr double kWidth = 880, kHeight = 500;
constexpr double kLeft = 66, kRight = 170, kTop = 46, kBottom = 54;
constexpr double kPlotRight = kWidth - kRight, kPlotBottom = kHeight - kBottom;
// Okabe and Ito's palette: told apart by most colour-blind readers.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000"};

struct Axis {
  double low, high;  // of the data, after log10 if log
  double from, to;   // of the picture
  bool log = false;
  double at(double v) const {
    const double u = log ? std::log10(v) : v;
    return from + (to - from) * (u - low) / (high - low);
  }
};

std::string human(double v) {
  if (v >= 1e9) return fmt::format("{:.4g}G", v / 1e9);
  if (v >= 1e6) return fmt::format("{:.4g}M", v / 1e6);
  if (v >= 1e4) return fmt::format("{:.4g}k", v / 1e3);
  return fmt::format("{:.4g}", v);
}

using Out = std::back_insert_iterator<std::string>;

void draw_axes(Out out, const Plot& p, const Axis& x, const Axis& y) {
  const auto x_ticks = p.log_x ? log_ticks(std::pow(10, x.low), std::pow(10, x.high))
                               : linear_ticks(x.low, x.high, 8);
  for (const double t : x_ticks)
    fmt::format_to(out,
                   "<path class='grid' d='M{0:.1f} {1}V{2}'/>"
                   "<text x='{0:.1f}' y='{3}' text-anchor='middle'>{4}</text>\n",
                   x.at(t), kTop, kPlotBottom, kPlotBottom + 18, human(t));
  const auto y_ticks = p.log_y ? log_ticks(std::pow(10, y.low), std::pow(10, y.high))
                               : linear_ticks(y.low, y.high, 7);
  for (const double t : y_ticks)
    fmt::format_to(out,
                   "<path class='grid' d='M{0} {1:.1f}H{2}'/>"
                   "<text x='{3}' y='{4:.1f}' text-anchor='end'>{5:.4g}</text>\n",
                   kLeft, y.at(t), kPlotRight, kLeft - 8, y.at(t) + 4, t);
  fmt::format_to(out, "<rect class='frame' x='{}' y='{}' width='{}' height='{}'/>\n", kLeft, kTop,
                 kPlotRight - kLeft, kPlotBottom - kTop);
  fmt::format_to(out, "<text class='title' x='{}' y='26'>{}</text>\n", kLeft, escape_xml(p.title));
  fmt::format_to(out, "<text x='{}' y='{}' text-anchor='middle'>{}</text>\n",
                 (kLeft + kPlotRight) / 2, kHeight - 14, escape_xml(p.x_label));
  fmt::format_to(out,
                 "<text transform='translate(18 {}) rotate(-90)' text-anchor='middle'>{}</text>\n",
                 (kTop + kPlotBottom) / 2, escape_xml(p.y_label));
}

// Names stand at the right end of their lines, from the top down, a line of text apart at least.
void draw_levels(Out out, const Plot& p, const Axis& y) {
  std::vector<Level> levels = p.levels;
  std::stable_sort(levels.begin(), levels.end(),
                   [](const Level& a, const Level& b) { return a.y > b.y; });
  double free = kTop - 20;
  for (const Level& l : levels) {
    free = std::max(free, y.at(l.y) + 4);
    fmt::format_to(out,
                   "<path class='level' d='M{0} {1:.1f}H{2}'/>"
                   "<text class='quiet' x='{3}' y='{4:.1f}'>{5} {6}</text>\n",
                   kLeft, y.at(l.y), kPlotRight, kPlotRight + 8, free, escape_xml(l.name),
                   l.figure.empty() ? fmt::format("{:.3f}", l.y) : l.figure);
    free += 13;
  }
}

void draw_curves(Out out, const Plot& p, const Axis& x, const Axis& y) {
  for (size_t i = 0; i < p.curves.size(); ++i) {
    const char* colour = kColours[i % std::size(kColours)];
    std::string d;
    for (const auto& [px, py] : p.curves[i].points)
      if ((!p.log_x || px > 0) && (!p.log_y || py > 0))
        fmt::format_to(std::back_inserter(d), "{}{:.1f} {:.1f}", d.empty() ? "M" : "L", x.at(px),
                       y.at(py));
    if (!d.empty()) fmt::format_to(out, "<path class='curve' stroke='{}' d='{}'/>\n", colour, d);
  }
}

// Names stand right of their dots, left where there is no room; each below the last where they
// would overlap.
void draw_marks(Out out, const Plot& p, const Axis& x, const Axis& y) {
  std::vector<Mark> marks = p.marks;
  std::sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) { return a.y > b.y; });
  struct Box {
    double left, right, top;
  };
  std::vector<Box> taken;
  constexpr double kLine = 11;
  for (const Mark& m : marks) {
    const double width = 5.6 * double(m.name.size());
    const bool right_of = x.at(m.x) + 7 + width < kPlotRight;
    const double left = right_of ? x.at(m.x) + 7 : x.at(m.x) - 7 - width, right = left + width;
    const double lead = right_of ? left : right;
    double top = y.at(m.y) - kLine / 2;
    const auto overlaps = [&](const Box& b) {
      return left < b.right && b.left < right && top < b.top + kLine && b.top < top + kLine;
    };
    for (auto b = taken.begin(); b != taken.end();)
      if (overlaps(*b))
        top = b->top + kLine, b = taken.begin();
      else
        ++b;
    taken.push_back({left, right, top});
    const char* colour = kColours[size_t(m.colour) % std::size(kColours)];
    fmt::format_to(out,
                   "<path class='lead' stroke='{0}' d='M{1:.1f} {2:.1f}L{3:.1f} {4:.1f}'/>"
                   "<circle cx='{1:.1f}' cy='{2:.1f}' r='3.5' fill='{0}'/>"
                   "<text class='mark' x='{3:.1f}' y='{5:.1f}' text-anchor='{7}'>{6}</text>\n",
                   colour, x.at(m.x), y.at(m.y), lead, top + kLine / 2, top + kLine - 2,
                   escape_xml(m.name), right_of ? "start" : "end");
  }
}

// At the right: at the top, where falling curves are not, or at the bottom, where no roof is.
void draw_legend(Out out, const Plot& p) {
  size_t longest = 0;
  for (const Curve& c : p.curves) longest = std::max(longest, c.name.size());
  const double width = 44 + 7.2 * double(longest), left = kPlotRight - width - 10;
  const double height = 20 * double(p.curves.size()) + 10,
               top = p.marks.empty() ? kTop + 10 : kPlotBottom - height - 10;
  fmt::format_to(out, "<rect class='legend' x='{:.1f}' y='{}' width='{:.1f}' height='{}'/>\n", left,
                 top, width, height);
  for (size_t i = 0; i < p.curves.size(); ++i) {
    const double row = top + 20 + 20 * double(i);
    fmt::format_to(out,
                   "<path class='curve' stroke='{}' d='M{:.1f} {}h20'/>"
                   "<text x='{:.1f}' y='{}'>{}</text>\n",
                   kColours[i % std::size(kColours)], left + 8, row - 4, left + 34, row,
                   escape_xml(p.curves[i].name));
  }
}

}  // namespace

std::string escape_xml(const std::string& text) {
  std::string s;
  for (const char c : text) {
    switch (c) {
      case '&':
        s += "&amp;";
        break;
      case '<':
        s += "&lt;";
        break;
      case '>':
        s += "&gt;";
        break;
      case '\'':
        s += "&#39;";
        break;
      case '"':
        s += "&quot;";
        break;
      default:
        s += c;
    }
  }
  return s;
}

std::vector<double> linear_ticks(double low, double high, int about) {
  const double raw = (high - low) / about, power = std::pow(10, std::floor(std::log10(raw)));
  const double share = raw / power;
  const double step = power * (share > 5 ? 10 : share > 2 ? 5 : share > 1 ? 2 : 1);
  std::vector<double> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k)
    ticks.push_back(k * step);
  return ticks;
}

std::vector<double> log_ticks(double low, double high) {
  const bool few = high / low < 1e4;
  std::vector<double> ticks;
  for (double p = std::floor(std::log10(low)); p <= std::log10(high); ++p)
    for (const double m : {1.0, 2.0, 5.0}) {
      const double t = m * std::pow(10, p);
      if (t >= low * (1 - 1e-9) && t <= high * (1 + 1e-9) && (few || m == 1.0)) ticks.push_back(t);
    }
  return ticks;
}

std::string svg(const Plot& p) {
  double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY;
  const auto cover = [](double v, double& low, double& high) {
    low = std::fmin(low, v), high = std::fmax(high, v);
  };
  const auto cover_point = [&](double x, double y) {
    if ((p.log_x && x <= 0) || (p.log_y && y <= 0)) return;
    cover(p.log_x ? std::log10(x) : x, x0, x1), cover(p.log_y ? std::log10(y) : y, y0, y1);
  };
  for (const Curve& c : p.curves)
    for (const auto& [x, y] : c.points) cover_point(x, y);
  for (const Mark& m : p.marks) cover_point(m.x, m.y);
  for (const Level& l : p.levels) cover(p.log_y ? std::log10(l.y) : l.y, y0, y1);
  if (!(x0 <= x1)) x0 = x1 = 0;  // nothing to draw: axes alone
  if (!(y0 <= y1)) y0 = y1 = 0;
  if (x1 - x0 < 1e-9) x0 -= 0.5, x1 += 0.5;
  const double room = y1 - y0 < 1e-9 ? 0.5 : 0.06 * (y1 - y0);
  const Axis x{x0, x1, kLeft, kPlotRight, p.log_x},
      y{y0 - room, y1 + room, kPlotBottom, kTop, p.log_y};
  std::string s;
  const Out out(s);
  fmt::format_to(out,
                 "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' "
                 "height='{1}' font-family='DejaVu Sans, Helvetica, Arial, sans-serif' "
                 "font-size='12' fill='#222'>\n"
                 "<style>.grid{{stroke:#e4e4e4}}.frame{{fill:none;stroke:#888}}"
                 ".curve{{fill:none;stroke-width:2;stroke-linejoin:round}}"
                 ".lead{{stroke-width:.7}}.mark{{font-size:10px}}"
                 ".level{{stroke:#777;stroke-dasharray:5 4}}.quiet{{fill:#666}}"
                 ".title{{font-size:15px;font-weight:bold}}"
                 ".legend{{fill:#fff;fill-opacity:.9;stroke:#ccc}}</style>\n"
                 "<rect width='{0}' height='{1}' fill='#fff'/>\n",
                 kWidth, kHeight);
  draw_axes(out, p, x, y);
  draw_levels(out, p, y);
  draw_curves(out, p, x, y);
  draw_marks(out, p, x, y);
  if (!p.curves.empty()) draw_legend(out, p);
  return s + "</svg>\n";
}

}  // namespace nibble::app
