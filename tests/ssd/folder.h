#pragma once

#include "tests/processes/temporary_folder.h"

namespace meridian::test {

// A folder for one test; on a real disk, so that direct I/O is what runs.
class Folder : public TemporaryFolder {
 public:
  explicit Folder(Removal removal = Removal::kByOwner)
      : TemporaryFolder(std::filesystem::current_path().string(), removal) {}
  std::string file() const { return path("meridian.cache"); }
};

}  // namespace meridian::test
