#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace meridian::test {

// A folder for one test, removed with it; on a real disk, so that direct I/O is what runs.
class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::current_path().string() + "/ssd_test.XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string file() const { return path_ + "/meridian.cache"; }

 private:
  std::string path_;
};

}  // namespace meridian::test
