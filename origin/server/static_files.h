#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/origin_server_config.h"
#include "origin/server/answer.h"
#include "origin/server/coding.h"
#include "origin/server/file_root.h"
#include "origin/server/io_pool.h"
#include "origin/server/target_path.h"

namespace meridian::origin {

// What a request asks of the files, with nothing that a connection owns: it travels to an I/O thread.
struct FileQuery {
  std::string relative;
  bool wants_directory = false;
  std::string display_path;  // for a listing's title
  std::vector<Coding> codings;
  bool read_head = true;  // the first bytes will be needed
};

// What was found there.
struct FoundFile {
  ReadyFile ready;
  std::string name;          // decides the type; without the extension of the coding
  std::string_view coding;   // "" for the plain file
  bool has_codings = false;  // some sibling exists, so the answer depends on Accept-Encoding
};
struct FoundDirectory {};  // asked for without its slash
struct FoundListing {
  std::string html;
};
using Found = std::variant<FoundFile, FoundDirectory, FoundListing>;

// Files as resources: picks index and coding, lists folders, makes representations. One for the program;
// immutable.
class StaticFiles {
 public:
  StaticFiles(FileRoot root, const config::OriginServerConfig& config);

  // On an I/O thread.
  [[nodiscard]] Result<Found> find(const FileQuery& query) const;

 private:
  [[nodiscard]] Result<Found> find_file(const FileQuery& query, const std::string& relative,
                                        OpenFile file) const;
  [[nodiscard]] Result<Found> find_in_directory(const FileQuery& query, const OpenFile& directory) const;
  [[nodiscard]] Result<ReadyFile> make_ready(const std::string& relative, OpenFile file,
                                             bool read_head) const;

  FileRoot root_;
  std::vector<std::string> index_;
  bool precompressed_;
  bool listing_;
  bool hidden_;
  std::size_t listing_limit_;
};

// On the loop, from what was found.
Representation represent(FoundFile found, EventLoop& loop, IoPool& pool);
// The page for a failure of find(): 404, 403, 503 or 500.
Answer file_error_answer(const Error& error);
// The page of a folder: what it holds, escaped for HTML and for URLs.
std::string listing_page(std::string_view path, const std::vector<ListingEntry>& entries, bool cut_off);

}  // namespace meridian::origin
