#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Which path is asked for next, by all connections of a load together.
namespace meridian::bench {

class Schedule {
 public:
  // Always `path`.
  static Schedule one(std::string path);
  // prefix0 .. prefix(count-1), each once.
  static Schedule each_once(std::string prefix, std::uint64_t count);
  // Ids 0..count-1 by Zipf's law with this exponent. The sequence is drawn beforehand with a fixed seed:
  // every server is asked for the same, and drawing costs nothing while the clock runs.
  static Schedule zipf(std::string prefix, std::uint64_t count, double exponent);

  // False when there is nothing left to ask for.
  bool next(std::string& path);

 private:
  std::string prefix_;
  std::vector<std::uint32_t> drawn_;
  std::uint64_t left_ = 0;
  std::uint64_t at_ = 0;
  enum class Kind : std::uint8_t { kOne, kEachOnce, kZipf } kind_ = Kind::kOne;
};

}  // namespace meridian::bench
