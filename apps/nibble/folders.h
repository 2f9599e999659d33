// Where the program finds what is installed beside it.
#pragma once
#include <string>
#include <vector>

namespace nibble::app {

// Folders that may hold <recipe>.json: of the installed program, of the build tree.
std::vector<std::string> recipe_folders();

}  // namespace nibble::app
