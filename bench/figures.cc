#include "bench/figures.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace meridian::bench {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : "|") + word;
  return text;
}

[[noreturn]] void usage(const char* program, const std::vector<std::string>& parts) {
  std::string more;
  if (!parts.empty()) more = " [--dir FOLDER] [--only " + joined(parts) + "]";
  std::fprintf(stderr, "usage: %s [--quick] [--check] [--bars FILE] [--json FILE]%s\n", program,
               more.c_str());
  std::exit(2);
}

}  // namespace

Options options_of(int argc, char** argv, const char* program, const std::vector<std::string>& parts) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--quick" || name == "--check") {
      (name == "--quick" ? options.quick : options.check) = true;
      continue;
    }
    if (i + 1 == argc) usage(program, parts);
    const std::string value = argv[++i];
    if (name == "--json") {
      options.json_path = value;
    } else if (name == "--bars") {
      options.bars_path = value;
    } else if (name == "--dir" && !parts.empty()) {
      options.dir = value;
    } else if (name == "--only" && std::find(parts.begin(), parts.end(), value) != parts.end()) {
      options.only = value;
    } else {
      usage(program, parts);
    }
  }
  return options;
}

Figures::Figures(const Options& options, std::string_view section) : options_(options) {
  std::ifstream file(options.bars_path);
  const nlohmann::json all = nlohmann::json::parse(file, nullptr, false);
  if (all.is_object()) {
    if (const auto found = all.find(section); found != all.end()) found->get_to(bars_);
  } else if (options.check) {
    std::fprintf(stderr, "%s: no bars there\n", options.bars_path.c_str());
    std::exit(2);
  }
}

void Figures::add(const std::string& name, double value, const std::string& unit) {
  const auto bar = bars_.find(name);
  const double at_most = bar == bars_.end() ? 0 : bar->second;
  const bool missed = at_most > 0 && value > at_most;
  missed_ = missed_ || missed;
  std::printf("%-64s %12.3f %-3s", name.c_str(), value, unit.c_str());
  if (at_most > 0) std::printf(" %s %g", missed ? "MISSED: at most" : "at most", at_most);
  std::printf("\n");
  std::fflush(stdout);
  rows_.push_back({name, unit, value, at_most});
}

int Figures::end() const {
  if (!options_.json_path.empty()) {
    nlohmann::json rows = nlohmann::json::array();
    for (const Row& row : rows_) {
      rows.push_back(
          {{"name", row.name}, {"unit", row.unit}, {"value", row.value}, {"at_most", row.at_most}});
    }
    std::ofstream file(options_.json_path);
    file << rows.dump(1) << "\n";
    file.close();
    if (!file) std::perror(options_.json_path.c_str()), std::exit(1);
  }
  return options_.check && missed_ ? 1 : 0;
}

}  // namespace meridian::bench
