#include "nibble/runtime/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <functional>
#include <vector>

#include "nibble/runtime/error.h"
#include "nibble/runtime/mapped_file.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/nibble_files_XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~Files() override { fs::remove_all(folder); }
  fs::path folder;
};

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

// Runs `child` in a process of its own and returns its exit status, -1 if a signal ended it.
int in_child(const std::function<int()>& child) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    int status = 99;
    try {
      status = child();
    } catch (...) {
    }
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& e : fs::directory_iterator(folder)) names.push_back(e.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

TEST_F(Files, WritesAndReadsWhatWasWritten) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += char(i * 7);
  write_file(folder / "a", text);
  EXPECT_EQ(read_file(folder / "a"), text);
  write_file(folder / "a", "");
  EXPECT_EQ(read_file(folder / "a"), "");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a"});
  struct stat status;
  ASSERT_EQ(::stat((folder / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0400, 0400u);
}

TEST_F(Files, WithoutCommitTheOldFileStays) {
  write_file(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.write("new");
    EXPECT_EQ(read_file(folder / "a"), "old");
  }
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a"});
}

TEST_F(Files, TakesARelativePath) {
  const fs::path before = fs::current_path();
  fs::current_path(folder);
  const std::string why = error_of([] { write_file("b", "text"); });
  fs::current_path(before);
  EXPECT_EQ(why, "no error");
  EXPECT_EQ(read_file(folder / "b"), "text");
}

TEST_F(Files, TakesOverWhatAKilledWriterLeft) {
  write_file(folder / "a", "old");
  write_file(folder / "a.tmp", "half of what was to be written, and longer than the next");
  write_file(folder / "a", "new");
  EXPECT_EQ(read_file(folder / "a"), "new");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a"});
}

TEST_F(Files, RefusesASecondWriterAndUseAfterCommit) {
  AtomicFile file(folder / "a");
  EXPECT_EQ(error_of([&] { AtomicFile second(folder / "a"); }),
            "cannot write " + (folder / "a").string() + ": another writer is at work on it");
  file.write("text");
  file.commit();
  EXPECT_NE(error_of([&] { file.write("more"); }).find("committed already"), std::string::npos);
  EXPECT_NE(error_of([&] { file.commit(); }).find("committed already"), std::string::npos);
  EXPECT_EQ(read_file(folder / "a"), "text");
}

TEST_F(Files, SayWhatIsWrong) {
  const fs::path missing = folder / "none";
  EXPECT_EQ(error_of([&] { read_file(missing); }),
            "cannot open " + missing.string() + ": No such file or directory");
  EXPECT_EQ(error_of([&] { read_file(folder); }),
            "cannot read " + folder.string() + ": it is not a regular file");
  EXPECT_EQ(error_of([&] { write_file(missing / "a", ""); }),
            "cannot create " + (missing / "a.tmp").string() + ": No such file or directory");
  EXPECT_EQ(error_of([&] { sync_folder(missing); }),
            "cannot open the folder " + missing.string() + ": No such file or directory");
  fs::create_directory(folder / "d");
  EXPECT_EQ(
      error_of([&] { write_file(folder / "d", "x"); }),
      "cannot write " + (folder / "d").string() + ": what has this name is not a regular file");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { read_file(folder / "pipe"); }),
            "cannot read " + (folder / "pipe").string() + ": it is not a regular file");
  EXPECT_EQ(
      error_of([&] { write_file(folder / "pipe", "x"); }),
      "cannot write " + (folder / "pipe").string() + ": what has this name is not a regular file");
  EXPECT_TRUE(fs::is_fifo(folder / "pipe"));
  EXPECT_EQ(names_in(folder), (std::vector<std::string>{"d", "pipe"}));
}

// A limit on the size of files stands in for a full disk: write() fails in the middle.
TEST_F(Files, ATooLargeFileLeavesTheOldOneIntact) {
  write_file(folder / "a", "old");
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    const std::string why = error_of([&] { write_file(folder / "a", std::string(200'000, 'x')); });
    return why == "cannot write " + (folder / "a").string() + ": File too large" ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a"});
}

TEST_F(Files, AFullDiskLeavesTheOldFileIntact) {
  constexpr int kMayNotMount = 77;
  const int status = in_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k") != 0)
      return kMayNotMount;
    write_file(folder / "a", "old");
    const std::string why = error_of([&] { write_file(folder / "a", std::string(200'000, 'x')); });
    if (why != "cannot write " + (folder / "a").string() + ": No space left on device") return 1;
    return read_file(folder / "a") == "old" && names_in(folder).size() == 1 ? 0 : 2;
  });
  if (status == kMayNotMount) GTEST_SKIP() << "only root may mount the small disk this needs";
  EXPECT_EQ(status, 0);
}

TEST_F(Files, AKilledWriterLeavesOldOrNewAndNoLock) {
  const fs::path path = folder / "a";
  const std::string old(100'000, 'o'), fresh(300'000, 'n');
  int seen_old = 0, seen_new = 0;
  for (int round = 0; round < 40; ++round) {
    write_file(path, old);
    const pid_t pid = ::fork();
    if (pid == 0) {
      AtomicFile file(path);
      for (int i = 0; i < 3; ++i) file.write(std::string_view(fresh).substr(0, 100'000));
      if (round % 2 == 0) ::raise(SIGKILL);  // at the last moment before commit
      file.commit();
      ::raise(SIGKILL);
    }
    ::waitpid(pid, nullptr, 0);
    const std::string now = read_file(path);
    seen_old += now == old, seen_new += now == fresh;
  }
  EXPECT_EQ(seen_old, 20);
  EXPECT_EQ(seen_new, 20);
}

TEST_F(Files, FolderLockIsForOneProcessAndDiesWithIt) {
  {
    FolderLock lock(folder);
    const std::string why = error_of([&] { FolderLock second(folder); });
    EXPECT_EQ(why, folder.string() + " is in use by another run (process " +
                       std::to_string(::getpid()) + "): wait for it, or use another folder");
    EXPECT_NE(in_child([&] { return FolderLock(folder), 0; }), 0);
  }
  EXPECT_EQ(in_child([&] { return FolderLock(folder), 0; }), 0);
  EXPECT_EQ(in_child([&]() -> int {
              FolderLock lock(folder);
              return ::raise(SIGKILL);
            }),
            -1);
  FolderLock again(folder);
  // A program that the holder starts does not keep the folder locked.
  FolderLock moved = std::move(again);
  const int status = in_child([&] {
    ::execl("/bin/sh", "sh", "-c", ("flock -n " + (folder / "lock").string() + " true").c_str(),
            nullptr);
    return 99;
  });
  EXPECT_EQ(status, 1);
}

TEST_F(Files, MapsRegularFilesOnly) {
  write_file(folder / "a", "mapped");
  MappedFile file(folder / "a"), moved = std::move(file);
  ASSERT_EQ(moved.bytes().size(), 6u);
  EXPECT_EQ(std::memcmp(moved.bytes().data(), "mapped", 6), 0);
  write_file(folder / "a", "replaced");
  EXPECT_EQ(std::memcmp(moved.bytes().data(), "mapped", 6), 0);
  write_file(folder / "a", "");
  EXPECT_TRUE(MappedFile(folder / "a").bytes().empty());
  EXPECT_EQ(error_of([&] { MappedFile m(folder); }),
            "cannot map " + folder.string() + ": it is not a regular file");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { MappedFile m(folder / "pipe"); }),
            "cannot map " + (folder / "pipe").string() + ": it is not a regular file");
  EXPECT_EQ(error_of([&] { MappedFile m(folder / "none"); }),
            "cannot map " + (folder / "none").string() + ": No such file or directory");
}

}  // namespace
}  // namespace nibble
