#pragma once

#include <fstream>

#include "tests/processes/temporary_folder.h"

namespace meridian::origin {

// A folder of its own for one test, with files in it.
class TemporaryFolder : public test::TemporaryFolder {
 public:
  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << content;
  }
};

}  // namespace meridian::origin
