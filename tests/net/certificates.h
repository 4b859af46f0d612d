#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace meridian::test {

// A certificate authority of one test, in a folder of its own, by way of the openssl program.
class Certificates {
 public:
  Certificates() {
    std::string pattern = (std::filesystem::temp_directory_path() / "meridian-net-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    openssl("req -x509 " + std::string(kNewKey) + " -keyout ca.key -out ca.pem -days 2 -subj '/CN=Test CA'");
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  // Writes NAME.pem and NAME.key for the names given as OpenSSL writes them ("DNS:a.test,IP:127.0.0.1").
  void issue(const std::string& name, const std::string& alternatives, int days = 2) const {
    std::ofstream(path(name + ".ext")) << "subjectAltName=" << alternatives << "\n";
    openssl("req " + std::string(kNewKey) + " -keyout " + name + ".key -out " + name +
            ".csr -subj '/CN=" + name + "'");
    openssl("x509 -req -in " + name + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days " +
            std::to_string(days) + " -out " + name + ".pem -extfile " + name + ".ext");
  }
  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::copy_file(path(from), path(to), std::filesystem::copy_options::overwrite_existing);
  }
  std::string path(const std::string& file) const { return (folder_ / file).string(); }

  void openssl(const std::string& arguments) const {
    const std::string command = "cd '" + folder_.string() + "' && openssl " + arguments + " >log 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

 private:
  static constexpr const char* kNewKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
  std::filesystem::path folder_;
};

}  // namespace meridian::test
