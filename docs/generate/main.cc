#include <cstdio>
#include <fstream>
#include <sstream>

#include "docs/generate/pages.h"

// meridian-docs --write ROOT | --check ROOT: writes the generated pages below ROOT, or says which differ.
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc == 3 ? argv[1] : "";
  if (mode != "--write" && mode != "--check") {
    std::fputs("usage: meridian-docs --write|--check ROOT\n", stderr);
    return 2;
  }
  int differing = 0;
  for (const meridian::docs::Page& page : meridian::docs::all_pages()) {
    const std::string path = std::string(argv[2]) + "/" + std::string(page.path);
    if (content_of(path) == page.text) continue;
    if (mode == "--write" && std::ofstream(path, std::ios::binary) << page.text) {
      std::printf("wrote %s\n", path.c_str());
      continue;
    }
    std::fprintf(stderr, mode == "--write" ? "cannot write %s\n" : "%s is out of date\n", path.c_str());
    ++differing;
  }
  return differing == 0 ? 0 : 1;
}
