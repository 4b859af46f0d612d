#include "lib/stats/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace meridian::stats {
namespace {

// Fields of /proc/self/stat behind the command's closing parenthesis, by their number in proc(5).
struct ProcStat {
  double threads = 0;         // 20
  double start_ticks = 0;     // 22, since boot
  double virtual_bytes = 0;   // 23
  double resident_pages = 0;  // 24
};

bool read_stat(ProcStat& to) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return false;
  std::istringstream fields(line.substr(end + 1));
  std::string field;
  for (int number = 3; fields >> field; ++number) {
    if (number == 20) to.threads = std::stod(field);
    if (number == 22) to.start_ticks = std::stod(field);
    if (number == 23) to.virtual_bytes = std::stod(field);
    if (number == 24) {
      to.resident_pages = std::stod(field);
      return true;
    }
  }
  return false;
}

double boot_time_s() {
  std::ifstream file("/proc/stat");
  std::string word;
  double value = 0;
  while (file >> word) {
    if (word == "btime" && file >> value) return value;
  }
  return 0;
}

// The descriptor that reads the folder is not counted.
int open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return -1;
  int count = 0;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(folder);
  return count - 1;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

void report_process(Scrape& scrape) {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    scrape.set(Sourced::kProcessCpu, seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
  ProcStat stat;
  if (read_stat(stat)) {
    scrape.set(Sourced::kProcessResident, stat.resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
    scrape.set(Sourced::kProcessVirtual, stat.virtual_bytes);
    scrape.set(Sourced::kProcessThreads, stat.threads);
    scrape.set(Sourced::kProcessStart,
               boot_time_s() + stat.start_ticks / static_cast<double>(sysconf(_SC_CLK_TCK)));
  }
  if (const int count = open_descriptors(); count >= 0) scrape.set(Sourced::kProcessFds, count);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    scrape.set(Sourced::kProcessMaxFds, static_cast<double>(limit.rlim_cur));
}

}  // namespace meridian::stats
