// Pictures as files.
#pragma once
#include <string>

namespace nibble::app {

// `out` ends in .svg or .png; the latter needs rsvg-convert.
void write_picture(const std::string& svg, const std::string& out);

}  // namespace nibble::app
