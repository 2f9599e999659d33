// nibble report RUN...: the curves of runs with the n-gram lines, as SVG, PNG or HTML.
#pragma once
#include <string>
#include <vector>

namespace nibble::app {

// `out` ends in .svg, .png or .html; `x_axis` is seconds, tokens or steps.
void report_runs(const std::vector<std::string>& runs, const std::string& out,
                 const std::string& x_axis);

}  // namespace nibble::app
