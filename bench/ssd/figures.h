#pragma once

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

// What the SSD bench prints and judges.
namespace meridian::bench {

inline double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

class Figures {
 public:
  // `at_most` 0: no bar.
  void add(const std::string& name, double value, const std::string& unit, double at_most = 0) {
    const bool missed = at_most > 0 && value > at_most;
    missed_ = missed_ || missed;
    std::printf("%-58s %12.3f %-6s", name.c_str(), value, unit.c_str());
    if (at_most > 0) std::printf(" %s %g", missed ? "MISSED: at most" : "at most", at_most);
    std::printf("\n");
    std::fflush(stdout);
    lines_.push_back("{\"name\":\"" + name + "\",\"unit\":\"" + unit + "\",\"value\":" +
                     std::to_string(value) + ",\"at_most\":" + std::to_string(at_most) + "}");
  }
  bool missed() const { return missed_; }
  void write(const char* path) const {
    std::FILE* file = std::fopen(path, "w");
    if (file == nullptr) std::perror(path), std::exit(1);
    std::fputs("[", file);
    for (std::size_t i = 0; i < lines_.size(); ++i)
      std::fprintf(file, "%s%s", i == 0 ? "" : ",\n", lines_[i].c_str());
    std::fputs("]\n", file);
    std::fclose(file);
  }

 private:
  std::vector<std::string> lines_;
  bool missed_ = false;
};

}  // namespace meridian::bench
