#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace meridian::control {

// A folder for one test, gone with it.
class Folder {
 public:
  // Below `parent`, if that is there: a folder of the machine's for temporary files otherwise.
  explicit Folder(const std::string& parent = "") {
    const bool is_there = !parent.empty() && std::filesystem::is_directory(parent);
    const std::filesystem::path where =
        is_there ? std::filesystem::path(parent) : std::filesystem::temp_directory_path();
    std::string name = (where / "meridian-control-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace meridian::control
