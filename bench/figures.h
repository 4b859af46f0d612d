#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

// What the benches written in C++ share besides their clocks (measure.h): the command line, and how figures
// are told, kept and held to the bars of bench/bars.json.
namespace meridian::bench {

// `[--quick] [--json FILE] [--check] [--bars FILE]`, and `[--dir FOLDER] [--only PART]` of one with parts.
struct Options {
  bool quick = false;
  bool check = false;  // exit 1 when a bar is missed
  std::string json_path;
  std::string bars_path = "bench/bars.json";
  std::string dir = ".";
  std::string only;

  bool wants(std::string_view part) const { return only.empty() || only == part; }
};
// Ends the process with the usage when something else is given.
Options options_of(int argc, char** argv, const char* program, const std::vector<std::string>& parts = {});

// The figures of one program. Prints each as it comes.
class Figures {
 public:
  // The bars are those of this section: {name of a figure: the most that it may be}.
  Figures(const Options& options, std::string_view section);
  void add(const std::string& name, double value, const std::string& unit);
  // Writes what was asked for. The exit status of the program.
  int end() const;

 private:
  struct Row {
    std::string name;
    std::string unit;
    double value = 0;
    double at_most = 0;  // 0: no bar
  };
  const Options options_;
  std::map<std::string, double> bars_;
  std::vector<Row> rows_;
  bool missed_ = false;
};

}  // namespace meridian::bench
