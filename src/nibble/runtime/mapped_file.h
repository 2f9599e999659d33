// A file's bytes, read-only, without copying them: pages are read when first touched.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

namespace nibble {

// Throws nibble::Error if `path` is no regular file or cannot be read. The file must not become
// shorter while it is mapped: touching a page past its end kills the process. Replacing it by
// rename, as AtomicFile does, is harmless.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path&);
  MappedFile(MappedFile&& other) noexcept { swap(other); }
  MappedFile& operator=(MappedFile&& other) noexcept {
    swap(other);
    return *this;
  }
  ~MappedFile();
  std::span<const std::byte> bytes() const { return bytes_; }  // starts on a page

 private:
  void swap(MappedFile& other) noexcept { std::swap(bytes_, other.bytes_); }
  std::span<const std::byte> bytes_;
};

}  // namespace nibble
