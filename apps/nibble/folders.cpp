#include "folders.h"

#include <filesystem>

namespace nibble::app {

std::vector<std::string> recipe_folders() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const fs::path beside = self.parent_path();
  return {(beside / "../share/nibble/recipes").lexically_normal().string(),
          (beside / "recipes").string()};
}

}  // namespace nibble::app
