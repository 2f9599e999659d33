#include "nibble/runtime/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "nibble/runtime/error.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* what, const fs::path& path, int error) {
  throw Error(std::string(what) + " " + path.string() + ": " + std::strerror(error));
}

template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

FileHandle open_file(const fs::path& path, int flags) {
  return FileHandle(retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); }));
}

constexpr size_t kPiece = size_t(1) << 30;  // a call writes less than 2^31 bytes

void write_all(int fd, std::span<const std::byte> data, const fs::path& path) {
  while (!data.empty()) {
    const size_t piece = std::min(data.size(), kPiece);
    const ssize_t n = retry([&] { return ::write(fd, data.data(), piece); });
    if (n < 0) fail("cannot write", path, errno);
    data = data.subspan(size_t(n));
  }
}

void sync(int fd, const fs::path& path) {
  if (retry([&] { return ::fsync(fd); }) < 0) fail("cannot sync", path, errno);
}

// The process that wrote its number into a lock file, for the message alone.
std::string holder(int fd) {
  char text[32] = {};
  const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
  return n > 0 ? " (process " + std::string(text, size_t(n)) + ")" : std::string();
}

}  // namespace

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

std::string read_file(const fs::path& path) {
  const FileHandle file = open_file(path, O_RDONLY | O_NONBLOCK);  // a pipe would wait for a writer
  if (!file) fail("cannot open", path, errno);
  struct stat status;
  if (::fstat(file.get(), &status) < 0) fail("cannot examine", path, errno);
  if (!S_ISREG(status.st_mode))
    throw Error("cannot read " + path.string() + ": it is not a regular file");
  std::string text;
  char piece[1 << 16];
  for (;;) {
    const ssize_t n = retry([&] { return ::read(file.get(), piece, sizeof piece); });
    if (n < 0) fail("cannot read", path, errno);
    if (n == 0) return text;
    text.append(piece, size_t(n));
  }
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), temporary_(path_) {
  temporary_ += ".tmp";
  struct stat there;
  if (::lstat(path_.c_str(), &there) == 0 && !S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
    throw Error("cannot write " + path_.string() + ": what has this name is not a regular file");
  for (;;) {
    FileHandle file = open_file(temporary_, O_RDWR | O_CREAT | O_NOFOLLOW);
    if (!file) fail("cannot create", temporary_, errno);
    if (retry([&] { return ::flock(file.get(), LOCK_EX | LOCK_NB); }) < 0) {
      if (errno != EWOULDBLOCK) fail("cannot lock", temporary_, errno);
      throw Error("cannot write " + path_.string() + ": another writer is at work on it");
    }
    // Between open and flock another writer may have committed: then this is the finished file,
    // under another name now, and must not be touched.
    struct stat opened, named;
    if (::fstat(file.get(), &opened) < 0) fail("cannot examine", temporary_, errno);
    if (::lstat(temporary_.c_str(), &named) < 0 || opened.st_ino != named.st_ino ||
        opened.st_dev != named.st_dev)
      continue;
    if (::ftruncate(file.get(), 0) < 0) fail("cannot truncate", temporary_, errno);
    file_ = std::move(file);
    return;
  }
}

AtomicFile::~AtomicFile() {
  if (file_) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> data) {
  if (!file_) throw Error("cannot write " + path_.string() + ": it is committed already");
  write_all(file_.get(), data, path_);
}

void AtomicFile::reserve(int64_t bytes) {
  if (bytes <= 0) return;
  if (retry([&] { return ::fallocate(file_.get(), 0, 0, bytes); }) < 0 && errno != EOPNOTSUPP &&
      errno != ENOSYS)
    fail("cannot reserve space for", path_, errno);
}

void AtomicFile::write_at(int64_t offset, std::span<const std::byte> data) {
  while (!data.empty()) {
    const size_t piece = std::min(data.size(), kPiece);
    const ssize_t n = retry([&] { return ::pwrite(file_.get(), data.data(), piece, offset); });
    if (n < 0) fail("cannot write", path_, errno);
    data = data.subspan(size_t(n)), offset += n;
  }
}

void AtomicFile::commit() {
  if (!file_) throw Error("cannot commit " + path_.string() + ": it is committed already");
  // Data first, then the name: a name that appears before its data could survive a power failure
  // that the data does not.
  sync(file_.get(), path_);
  if (::rename(temporary_.c_str(), path_.c_str()) < 0) fail("cannot replace", path_, errno);
  file_ = FileHandle();
  sync_folder(path_.parent_path());
}

AtomicFolder::AtomicFolder(fs::path path) : path_(std::move(path)) {
  if (path_.filename().empty()) path_ = path_.parent_path();  // "out/"
  temporary_ = path_;
  temporary_ += ".tmp";
  std::error_code error;
  if (fs::exists(path_, error) && !(fs::is_directory(path_, error) && fs::is_empty(path_, error)))
    throw Error(path_.string() + " is there already: a new or an empty folder is needed");
  const bool made = ::mkdir(temporary_.c_str(), 0777) == 0;
  if (!made && errno != EEXIST) fail("cannot create", temporary_, errno);
  try {
    lock_ = open_file(temporary_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!lock_) fail("cannot open the folder", temporary_, errno);
    if (retry([&] { return ::flock(lock_.get(), LOCK_EX | LOCK_NB); }) < 0)
      throw Error("cannot write " + path_.string() + ": another writer is at work on it");
    for (const auto& entry : fs::directory_iterator(temporary_)) fs::remove_all(entry.path());
  } catch (...) {
    if (made) ::rmdir(temporary_.c_str());
    throw;
  }
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (lock_) fs::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  if (!lock_) throw Error("cannot commit " + path_.string() + ": it is committed already");
  sync(lock_.get(), temporary_);
  if (::rename(temporary_.c_str(), path_.c_str()) < 0) fail("cannot name", path_, errno);
  lock_ = FileHandle();
  sync_folder(path_.parent_path());
}

void write_file(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void sync_folder(const fs::path& folder) {
  const fs::path path = folder.empty() ? fs::path(".") : folder;
  const FileHandle file = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!file) fail("cannot open the folder", path, errno);
  sync(file.get(), path);
}

FileLock::FileLock(const fs::path& path) : file_(open_file(path, O_RDONLY)) {
  if (!file_) fail("cannot open", path, errno);
  if (retry([&] { return ::flock(file_.get(), LOCK_EX); }) < 0) fail("cannot lock", path, errno);
}

FolderLock::FolderLock(const fs::path& folder) {
  const fs::path path = folder / "lock";
  file_ = open_file(path, O_RDWR | O_CREAT);
  if (!file_) fail("cannot create", path, errno);
  if (retry([&] { return ::flock(file_.get(), LOCK_EX | LOCK_NB); }) < 0) {
    if (errno != EWOULDBLOCK) fail("cannot lock", path, errno);
    throw Error(folder.string() + " is in use by another run" + holder(file_.get()) +
                ": wait for it, or use another folder");
  }
  const std::string number = std::to_string(::getpid());
  if (::ftruncate(file_.get(), 0) < 0) fail("cannot write", path, errno);
  write_all(file_.get(), std::as_bytes(std::span(number)), path);
}

}  // namespace nibble
