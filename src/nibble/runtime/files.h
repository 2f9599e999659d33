// Files that are there whole or not at all, and folders that one process at a time works in.
//
// Everything here throws nibble::Error with one sentence.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace nibble {

// An open file descriptor.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileHandle();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

std::string read_file(const std::filesystem::path&);  // a regular one: others may have no end

// Replaces `path` by a new file, or leaves it as it is: until commit() the bytes go to `path`.tmp,
// which is then synced, renamed, and made permanent by syncing the folder. A process that is killed
// leaves at most the temporary behind, which the next writer takes over; two writers of one path at
// a time are an error; so is a name that a folder or a device has. Permissions are those of a new
// file; a symbolic link is replaced, not followed.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();  // without commit(): removes the temporary
  void write(std::span<const std::byte>);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  // For files that are not written from front to end. reserve() asks for all of the space at once
  // where the file system can; without it a full disk is found on the way.
  void reserve(int64_t bytes);
  void write_at(int64_t offset, std::span<const std::byte>);
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  FileHandle file_;  // empty once committed
};

// The same for a folder: until commit() its files go to `path`.tmp, which then gets the name. The
// folder must not be there, or be empty. A process that is killed leaves at most `path`.tmp, which
// the next writer empties and takes over; two writers at a time are an error. Files in it must be
// synced by then, as AtomicFile does.
class AtomicFolder {
 public:
  explicit AtomicFolder(std::filesystem::path);
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;
  ~AtomicFolder();  // without commit(): removes the temporary
  const std::filesystem::path& temporary() const { return temporary_; }
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  FileHandle lock_;  // of the temporary; empty once committed
};

// All of a small file in one call.
void write_file(const std::filesystem::path&, std::string_view text);

// Makes what was created, renamed or removed in a folder survive a power failure.
void sync_folder(const std::filesystem::path&);

// The right to do something that concerns a file, by flock on the file itself: others wait. The
// kernel gives it back when the process ends, however it ends, and nothing is left on disk.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path&);

 private:
  FileHandle file_;
};

// The right to work in a folder, for one process at a time, by flock on the file `folder`/lock. The
// kernel gives it back when the process ends, however it ends; the file stays and means nothing.
// Programs started meanwhile do not inherit it; a fork without exec does.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  FileHandle file_;
};

}  // namespace nibble
